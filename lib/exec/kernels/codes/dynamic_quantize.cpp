// DynamicQuantizeLinear: u8 codes of a range found at run time, exact.

#include <algorithm>
#include <mutex>

#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "kernels/registry.h"
#include "tensor/quant_math.h"

namespace qtool::lowerings {
namespace {

/// Of all values and 0.
QuantParams params_of(const float* x, int64_t n, int threads) {
  std::mutex mutex;
  float lo = 0, hi = 0;
  in_parts(threads, n, n * 4, [&](int64_t first, int64_t last) {
    float least = 0, most = 0;
    kernels::best<kernels::Extremes>().run({x + first, static_cast<size_t>(last - first), &least, &most});
    std::lock_guard lock(mutex);
    lo = std::min(lo, least);
    hi = std::max(hi, most);
  });
  return dynamic_params(lo, hi);
}

}  // namespace

LowerResult lower_dynamic_quantize(const Model&, const Cluster& cluster) {
  if (cluster.root->output_count() != 3 || !cluster.root->out(0)) return Declined{"codes are not asked for"};
  const auto& kernel = kernels::best<kernels::Quantize>();
  const std::string name = "dynamic_" + std::string(kernel.name);
  return make_lowered(LayoutRule::plain, name, [&kernel](StepInputs in, std::span<Array> out, StepContext& context) {
    expect_type(*in[0], DType::float32);
    const int64_t n = in[0]->tensor.size();
    const float* x = floats_in(*in[0]);
    const QuantParams params = params_of(x, n, context.threads);
    out[0] = {context.pool.tensor(DType::uint8, in[0]->tensor.shape()), in[0]->layout};
    uint8_t* codes = codes_out(out[0]);
    in_parts(context.threads, n, n * 5, [&](int64_t first, int64_t last) {
      kernel.run({x + first, codes + first, static_cast<size_t>(last - first), params.scale(), params.zero_point(), 0, 255});
    });
    out[1] = {Tensor::scalar(params.scale()), Layout::plain};
    out[2] = {Tensor::scalar(static_cast<uint8_t>(params.zero_point())), Layout::plain};
  });
}

}  // namespace qtool::lowerings
