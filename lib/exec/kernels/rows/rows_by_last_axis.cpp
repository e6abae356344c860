// Softmax and LayerNormalization over the innermost dimensions, plain layout: row by row, floats or 8-bit codes on either side.

#include <algorithm>
#include <functional>

#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/operands.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

/// Rows of n floats to floats (codes null), or to codes (out: scratch of as many floats).
struct RowArgs {
  const float* in;
  float* out;
  uint8_t* codes;
  size_t rows, n;
};
using RowFunction = std::function<void(const RowArgs&)>;

/// The operator: where the row begins among the dimensions, how long it must be (0: any).
struct RowOperator {
  std::string kernel;
  int64_t axis;
  size_t length;
  RowFunction run;
};

struct Ends {
  std::optional<QuantParams> in, out;
};

/// Rows that go through scratch together: floats that stay in the first cache.
size_t block_of(size_t n) { return std::max<size_t>(1, 4096 / n); }

/// Rows [first, last).
void run_rows(const Tensor& x, std::byte* y, size_t n, size_t first, size_t last, const Ends& ends, const RowFunction& f) {
  std::vector<float> scratch(ends.in || ends.out ? std::min(block_of(n), last - first) * n : 0);
  for (size_t row = first; row < last; row += block_of(n)) {
    const size_t rows = std::min(block_of(n), last - row), at = row * n;
    const float* in = reinterpret_cast<const float*>(x.bytes()) + at;
    if (ends.in) {
      const auto* codes = reinterpret_cast<const uint8_t*>(x.bytes()) + at;
      kernels::best<kernels::Dequantize>().run(
          {codes, scratch.data(), rows * n, ends.in->scale(), ends.in->zero_point(), ends.in->dtype == DType::int8});
      in = scratch.data();
    }
    if (ends.out)
      f({in, scratch.data(), reinterpret_cast<uint8_t*>(y) + at, rows, n});
    else
      f({in, reinterpret_cast<float*>(y) + at, nullptr, rows, n});
  }
}

LowerResult lower_rows(const Cluster& cluster, RowOperator op) {
  const Operand &x = cluster.inputs[0], &y = cluster.outputs[0];
  if (x.constant() || !cluster.post_ops.empty()) return Declined{"a constant input, or something behind"};
  if ((x.quantized() && !per_tensor_8bit(x)) || (y.quantized() && !per_tensor_8bit(y))) return Declined{"codes are not per-tensor 8-bit"};
  const Ends ends{x.params, y.params};
  std::string kernel = op.kernel;
  return make_lowered(
      LayoutRule::plain, std::move(kernel), [=, op = std::move(op)](StepInputs in, std::span<Array> out, StepContext& context) {
        const Tensor& from = in[0]->tensor;
        expect_type(*in[0], ends.in ? ends.in->dtype : DType::float32);
        const auto n = static_cast<size_t>(product(from.shape(), static_cast<size_t>(normalize_axis(op.axis, from.rank())), from.rank()));
        if (op.length && n != op.length) throw CannotRun("a scale that is broadcast");
        out[0] = {context.pool.tensor(ends.out ? ends.out->dtype : DType::float32, from.shape()), Layout::plain};
        if (from.size() == 0) return;
        std::byte* to = out[0].tensor.mutable_bytes();
        in_parts(context.threads, from.size() / static_cast<int64_t>(n), static_cast<int64_t>(from.byte_size() + out[0].tensor.byte_size()),
                 [&](int64_t first, int64_t last) {
                   run_rows(from, to, n, static_cast<size_t>(first), static_cast<size_t>(last), ends, op.run);
                 });
      });
}

/// What the kernels want to know of codes.
struct Codes {
  float scale = 1;
  int32_t zero_point = 0, lo = 0, hi = 255;
  explicit Codes(const std::optional<QuantParams>& params) {
    if (!params) return;
    const CodeRange range = full_range(params->dtype);
    scale = params->scale();
    zero_point = params->zero_point();
    lo = static_cast<int32_t>(range.lo);
    hi = static_cast<int32_t>(range.hi);
  }
};

/// A constant divided by the output's scale, where the output is codes.
std::vector<float> in_steps(const Operand& constant, const Codes& codes) {
  std::vector<float> values = constant.value->constant()->to_floats();
  for (float& value : values) value /= codes.scale;
  return values;
}

}  // namespace

LowerResult lower_softmax(const Model& model, const Cluster& cluster) {
  const auto& dims = cluster.inputs[0].value->type.dims;
  if (!dims || dims->empty()) return Declined{"the rank of the input is unknown"};
  const bool flattens = model.opset() < 13;
  const auto axis = static_cast<size_t>(normalize_axis(cluster.root->attr_or("axis", flattens ? int64_t{1} : int64_t{-1}), dims->size()));
  if (!flattens && axis + 1 != dims->size()) return Declined{"not along the last axis"};
  const auto& kernel = kernels::best<kernels::Softmax>();
  return lower_rows(cluster, {std::string(kernel.name), static_cast<int64_t>(axis), 0,
                              [&kernel, codes = Codes(cluster.outputs[0].params)](const RowArgs& a) {
                                kernel.run({a.in, a.out, a.rows, a.n, a.codes, codes.scale, codes.zero_point, codes.lo, codes.hi});
                              }});
}

LowerResult lower_layer_norm(const Model&, const Cluster& cluster) {
  const Node& node = *cluster.root;
  const auto present = [](const Operand& output) { return output.value != nullptr; };
  if (std::count_if(cluster.outputs.begin(), cluster.outputs.end(), present) != 1 || cluster.inputs.size() < 2)
    return Declined{"mean and variance wanted"};
  if (!cluster.inputs[1].constant() || cluster.inputs[1].quantized()) return Declined{"the scale is no float constant"};
  const bool has_bias = cluster.inputs.size() > 2 && cluster.inputs[2].value;
  if (has_bias && (!cluster.inputs[2].constant() || cluster.inputs[2].quantized())) return Declined{"the bias is no float constant"};
  const Codes codes(cluster.outputs[0].params);
  const std::vector<float> scale = in_steps(cluster.inputs[1], codes);
  const std::vector<float> bias = has_bias ? in_steps(cluster.inputs[2], codes) : std::vector<float>();
  if (has_bias && bias.size() != scale.size()) return Declined{"scale and bias differ in size"};
  const int64_t axis = node.attr_or("axis", int64_t{-1});
  const auto& kernel = kernels::best<kernels::LayerNorm>();
  return lower_rows(
      cluster, {std::string(kernel.name), axis, scale.size(), [=, &kernel, epsilon = node.attr_or("epsilon", 1e-5f)](const RowArgs& a) {
                  kernel.run({a.in, scale.data(), bias.empty() ? nullptr : bias.data(), a.out, a.rows, a.n, epsilon, a.codes,
                              codes.zero_point, codes.lo, codes.hi});
                }});
}

}  // namespace qtool::lowerings
