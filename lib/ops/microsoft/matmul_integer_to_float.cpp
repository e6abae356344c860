// com.microsoft.MatMulIntegerToFloat: y = ((A - a_zero_point) B - b_zero_point ...) * (a_scale * b_scale) + bias, products summed exactly.
// Inputs A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias; scales and zero points of B: one number, or one a column.
#include "ops/helpers/infer.h"
#include "ops/helpers/matmul.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/quantized.h"

namespace qtool {
namespace {

/// One number stands for every column.
float at_column(const std::vector<float>& values, int64_t column) { return values[values.size() == 1 ? 0 : static_cast<size_t>(column)]; }

void eval(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1), &bias = optional_input(in, 6);
  const Tensor sums = matmul(centered(a, optional_input(in, 4), -2), centered(b, optional_input(in, 5), -1));
  const int64_t columns = sums.rank() == 0 ? 1 : sums.shape().back();
  const std::vector<float> scales = input(in, 3).to_floats(), shifts = bias.defined() ? bias.to_floats() : std::vector<float>{0};
  require(input(in, 2).size() == 1, "the scale of activations must be one number");
  for (const auto* each : {&scales, &shifts})
    require(each->size() == 1 || static_cast<int64_t>(each->size()) == columns, "a scale or bias fits neither the tensor nor its columns");
  const auto a_scale = static_cast<float>(in[2].number_at(0));
  Tensor y(DType::float32, sums.shape());
  auto to = y.mutable_data<float>();
  for (int64_t i = 0; i < y.size(); ++i)
    to[static_cast<size_t>(i)] =
        static_cast<float>(sums.number_at(i)) * (a_scale * at_column(scales, i % columns)) + at_column(shifts, i % columns);
  out[0] = y;
}

TypeList infer(const Node& node, const InferInput& in) {
  return outputs(node, {{DType::float32, matmul_dims(dims_of(in, 0), dims_of(in, 1))}});
}

int64_t macs(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return matmul_macs(in, out); }

}  // namespace

extern const OpDef kMatMulIntegerToFloat1{
    .name = "MatMulIntegerToFloat", .infer = infer, .eval = eval, .macs = macs, .domain = "com.microsoft"};

}  // namespace qtool
