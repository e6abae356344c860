// Cast: to another type. CastLike: to the type of the second input. BitCast: the same bits read as another type.
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/small_float.h"

namespace qtool {
namespace {

/// 4- and 2-bit integers keep the low bits, as a wider integer type does.
Tensor cast_to_small_integer(const Tensor& x, DType to) {
  const Tensor wide = x.cast(DType::int64);
  Tensor y(to, x.shape());
  const int drop = 64 - bit_width(to);
  const int64_t* from = elements<int64_t>(wide);
  for (int64_t i = 0; i < x.size(); ++i) {
    const auto top = static_cast<uint64_t>(from[i]) << drop;
    if (is_signed(to))
      elements<int8_t>(y)[i] = static_cast<int8_t>(static_cast<int64_t>(top) >> drop);
    else
      elements<uint8_t>(y)[i] = static_cast<uint8_t>(top >> drop);
  }
  return y;
}

Tensor parsed(const Tensor& text, DType to) {
  std::vector<double> values;
  for (const std::string& word : text.strings()) values.push_back(std::strtod(word.c_str(), nullptr));
  return from_doubles(to, text.shape(), values);
}

PowerRounding rounding(const Node& node) {
  const std::string mode = node.attr_or("round_mode", "up");
  if (mode == "up") return PowerRounding::up;
  if (mode == "down") return PowerRounding::down;
  if (mode == "nearest") return PowerRounding::nearest;
  throw invalid_file("round_mode \"" + mode + "\" is unknown");
}

Tensor cast(const Tensor& x, DType to, const Node& node) {
  if (x.dtype() == to) return x;
  if (x.dtype() == DType::string) return parsed(x, to);
  if (is_small_float(x.dtype())) {
    Tensor wide(DType::float32, x.shape());
    const std::vector<float> values = from_small_float(x);
    std::copy(values.begin(), values.end(), elements<float>(wide));
    return cast(wide, to, node);
  }
  if (is_small_float(to)) return to_small_float(x.to_floats(), x.shape(), to, node.attr_or("saturate", 1) != 0, rounding(node));
  if (is_integer(to) && bit_width(to) < 8) return cast_to_small_integer(x, to);
  return x.cast(to);
}

DType target(const Node& node) { return static_cast<DType>(node.attr_or("to", int64_t{0})); }

void eval_cast(const Node& node, TensorsIn in, TensorsOut out) { out[0] = cast(input(in, 0), target(node), node); }
void eval_cast_like(const Node& node, TensorsIn in, TensorsOut out) { out[0] = cast(input(in, 0), input(in, 1).dtype(), node); }

void eval_bit_cast(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  Tensor y(target(node), x.shape());
  require(y.byte_size() == x.byte_size(), "BitCast between types of different size");
  std::copy_n(x.bytes(), x.byte_size(), y.mutable_bytes());
  out[0] = std::move(y);
}

TypeList infer_cast(const Node& node, const InferInput& in) { return outputs(node, {{target(node), dims_of(in, 0)}}); }
TypeList infer_cast_like(const Node& node, const InferInput& in) { return outputs(node, {{dtype_of(in, 1), dims_of(in, 0)}}); }

}  // namespace

extern const OpDef kCast6{.name = "Cast", .since = 6, .infer = infer_cast, .eval = eval_cast};
extern const OpDef kCastLike15{.name = "CastLike", .since = 15, .infer = infer_cast_like, .eval = eval_cast_like};
extern const OpDef kBitCast26{.name = "BitCast", .since = 26, .infer = infer_cast, .eval = eval_bit_cast};

}  // namespace qtool
