// quantize, dequantize, requantize: QuantizeLinear and DequantizeLinear per tensor on 8-bit codes, exact.

#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/operands.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

LowerResult lower_quantize(const Model&, const Cluster& cluster) {
  if (!per_tensor_8bit(cluster.outputs[0])) return Declined{"output codes are not per-tensor 8-bit"};
  const QuantParams params = *cluster.outputs[0].params;
  const CodeRange codes = full_range(params.dtype);
  const auto& kernel = kernels::best<kernels::Quantize>();
  return make_lowered(LayoutRule::same, std::string(kernel.name), [=, &kernel](StepInputs in, std::span<Array> out, StepContext& context) {
    expect_type(*in[0], DType::float32);
    out[0] = {context.pool.tensor(params.dtype, in[0]->tensor.shape()), in[0]->layout};
    const float* from = floats_in(*in[0]);
    uint8_t* to = codes_out(out[0]);
    in_parts(context.threads, in[0]->tensor.size(), 5 * in[0]->tensor.size(), [&](int64_t first, int64_t last) {
      kernel.run({from + first, to + first, static_cast<size_t>(last - first), params.scale(), params.zero_point(),
                  static_cast<int32_t>(codes.lo), static_cast<int32_t>(codes.hi)});
    });
  });
}

LowerResult lower_dequantize(const Model&, const Cluster& cluster) {
  if (!per_tensor_8bit(cluster.inputs[0]) || cluster.inputs[0].constant()) return Declined{"input codes are not per-tensor 8-bit"};
  const QuantParams params = *cluster.inputs[0].params;
  const auto& kernel = kernels::best<kernels::Dequantize>();
  return make_lowered(LayoutRule::same, std::string(kernel.name), [=, &kernel](StepInputs in, std::span<Array> out, StepContext& context) {
    expect_type(*in[0], params.dtype);
    out[0] = {context.pool.tensor(DType::float32, in[0]->tensor.shape()), in[0]->layout};
    const uint8_t* from = codes_in(*in[0]);
    float* to = floats_out(out[0]);
    in_parts(context.threads, in[0]->tensor.size(), 5 * in[0]->tensor.size(), [&](int64_t first, int64_t last) {
      kernel.run(
          {from + first, to + first, static_cast<size_t>(last - first), params.scale(), params.zero_point(), params.dtype == DType::int8});
    });
  });
}

LowerResult lower_requantize(const Model&, const Cluster& cluster) {
  if (!per_tensor_8bit(cluster.inputs[0]) || !per_tensor_8bit(cluster.outputs[0]) || cluster.inputs[0].constant())
    return Declined{"codes are not per-tensor 8-bit"};
  return lower_table(*cluster.inputs[0].params, *cluster.outputs[0].params, [](const Tensor& real) { return real; });
}

}  // namespace qtool::lowerings
