// DynamicQuantizeLSTM: ONNX's LSTM with W [directions, inputs, 4 hidden] and R [directions, hidden, 4 hidden] as codes, the last two
// dimensions turned, one scale (or one a column) a direction: X W_scale (8), W_zero (9), R_scale (10), R_zero (11). X is quantized
// as DynamicQuantizeLinear does; the state h is not, which is the more accurate side of what ONNX Runtime allows itself.
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/rnn.h"

namespace qtool {
namespace {

/// Codes [directions, rows, columns] as real numbers [directions, columns, rows].
Tensor turned(const Tensor& codes, const Tensor& scale, const Tensor& zero) {
  require(codes.rank() == 3, "weights of a rank other than 3");
  const int64_t directions = codes.shape()[0], rows = codes.shape()[1], columns = codes.shape()[2];
  require(scale.size() == directions || scale.size() == directions * columns, "scales do not fit the weights");
  require(!zero.defined() || zero.size() == scale.size(), "scale and zero point differ in length");
  const int64_t each = scale.size() == directions ? 1 : columns;
  const std::vector<double> values = to_doubles(codes), scales = to_doubles(scale),
                            zeros = zero.defined() ? to_doubles(zero) : std::vector<double>(scales.size(), 0.0);
  std::vector<double> real(values.size());
  for (int64_t d = 0; d < directions; ++d)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        const auto s = static_cast<size_t>(d * each + (each == 1 ? 0 : c));
        real[static_cast<size_t>((d * columns + c) * rows + r)] =
            (values[static_cast<size_t>((d * rows + r) * columns + c)] - zeros[s]) * scales[s];
      }
  return from_doubles(DType::float32, {directions, columns, rows}, real);
}

Tensor rounded(const Node& node, TensorsIn x) {
  std::vector<Tensor> parts(3);
  find_op("", "DynamicQuantizeLinear", 11)->eval(node, x, parts);
  std::vector<double> values = to_doubles(parts[0]);
  for (double& value : values) value = (value - parts[2].number_at(0)) * parts[1].number_at(0);
  return from_doubles(DType::float32, parts[0].shape(), values);
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  std::vector<Tensor> real(in.begin(), in.begin() + std::min<std::ptrdiff_t>(8, std::ssize(in)));
  real.at(0) = rounded(node, in.subspan(0, 1));
  real.at(1) = turned(input(in, 1), input(in, 8), optional_input(in, 9));
  real.at(2) = turned(input(in, 2), input(in, 10), optional_input(in, 11));
  find_op("", "LSTM", 14)->eval(node, real, out);
}

TypeList infer(const Node& node, const InferInput& in) { return infer_recurrence(node, in); }

}  // namespace

extern const OpDef kDynamicQuantizeLSTM1{.name = "DynamicQuantizeLSTM", .infer = infer, .eval = eval, .domain = "com.microsoft"};

}  // namespace qtool
