// qtool.packed.LSTM, GRU, RNN: the operators of ONNX with W and R as codes of at most 8 bits. Inputs as theirs up to the eighth, then scale
// and zero point (0 where it is omitted) of W and of R, each one number, one a row [rows], or with the attribute block_size one a block
// of a row [dirs, rows, blocks]. Executable copies hold them, in place of weights behind DequantizeLinear.
#include <algorithm>

#include "graph/domains.h"
#include "ops/helpers/rnn.h"
#include "ops/helpers/scales.h"

namespace qtool {
namespace {

constexpr int64_t kOpset = 14;  ///< whose operators are meant

Tensor real_weights(const Tensor& codes, const Tensor& scale, const Tensor& zero, int64_t block) {
  require(codes.rank() == 3 && is_integer(codes.dtype()) && bit_width(codes.dtype()) <= 8, "weights are no codes [dirs, rows, inputs]");
  require(!zero.defined() || zero.shape() == scale.shape(), "scales and zero points differ in shape");
  const ScaleMap map(codes.shape(), scale.shape(), block > 0 ? 2 : 1, block);
  const std::vector<float> scales = scale.to_floats(), zeros = zero.defined() ? zero.to_floats() : std::vector<float>(scales.size(), 0);
  Tensor real(DType::float32, codes.shape());
  float* to = elements<float>(real);
  map.for_each([&](int64_t i, int64_t at) {
    to[i] = (static_cast<float>(codes.number_at(i)) - zeros[static_cast<size_t>(at)]) * scales[static_cast<size_t>(at)];
  });
  return real;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const int64_t block = node.attr_or("block_size", 0);
  std::vector<Tensor> real(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(in.size(), 8)));
  real[1] = real_weights(input(in, 1), input(in, 8), optional_input(in, 9), block);
  real[2] = real_weights(input(in, 2), input(in, 10), optional_input(in, 11), block);
  find_op("", node.op, kOpset)->eval(node, real, out);
}

int64_t macs(const Node& node, std::span<const Shape> in, std::span<const Shape>) { return recurrence_macs(node, in); }

constexpr OpDef packed(std::string_view name) {
  return {.name = name, .infer = infer_recurrence, .eval = eval, .macs = macs, .domain = kPackedDomain};
}

}  // namespace

extern const OpDef kPackedGRU1 = packed("GRU");
extern const OpDef kPackedLSTM1 = packed("LSTM");
extern const OpDef kPackedRNN1 = packed("RNN");

}  // namespace qtool
