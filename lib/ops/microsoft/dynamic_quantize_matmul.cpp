// com.microsoft.DynamicQuantizeMatMul: y = (a - a_zero) (b - b_zero) * a_scale * b_scale + bias, a quantized first as
// DynamicQuantizeLinear does.
#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/matmul.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/quantized.h"

namespace qtool {
namespace {

/// sums * a_scale * b_scale (one, or one a column) + bias (one a column).
Tensor scaled(const Tensor& sums, double a_scale, const Tensor& b_scale, const Tensor& bias) {
  std::vector<double> values = to_doubles(sums);
  const std::vector<double> scales = to_doubles(b_scale), shifts = bias.defined() ? to_doubles(bias) : std::vector<double>{0};
  const size_t columns = sums.rank() > 0 ? static_cast<size_t>(sums.shape().back()) : 1;
  require(scales.size() == 1 || scales.size() == columns, "b_scale is neither one number nor one a column");
  require(shifts.size() == 1 || shifts.size() == columns, "the bias does not have one number a column");
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = values[i] * a_scale * scales[scales.size() == 1 ? 0 : i % columns] + shifts[shifts.size() == 1 ? 0 : i % columns];
  return from_doubles(DType::float32, sums.shape(), values);
}

void dynamic_quantize_matmul(const Node& node, TensorsIn in, TensorsOut out) {
  std::vector<Tensor> a(3);
  find_op("", "DynamicQuantizeLinear", 11)->eval(node, in.subspan(0, 1), a);
  const Tensor sums = matmul(centered(a[0], a[2], -2), centered(input(in, 1), optional_input(in, 3), -1));
  out[0] = scaled(sums, a[1].number_at(0), input(in, 2), optional_input(in, 4));
}

TypeList infer(const Node& node, const InferInput& in) {
  return outputs(node, {{DType::float32, matmul_dims(dims_of(in, 0), dims_of(in, 1))}});
}

int64_t macs(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return matmul_macs(in, out); }

}  // namespace

extern const OpDef kDynamicQuantizeMatMul1{
    .name = "DynamicQuantizeMatMul", .infer = infer, .eval = dynamic_quantize_matmul, .macs = macs, .domain = "com.microsoft"};

}  // namespace qtool
