// com.microsoft.GatherBlockQuantized: y = (Gather(data, indices) - zero_point) * scale, slices of codes along gather_axis, one scale (and
// zero point) a block of block_size codes along quantize_axis. data of uint8 holds codes of `bits` bits, packed along the last axis, the
// lowest first, and its zero points alike; without zero points these are its middle code, and 0 for other types. int8 and 2 bits, which
// ONNX Runtime's kernel does not know, mean what they would.
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/nbits.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// Codes of a byte of uint8 data; 1 for other types, which are held one a byte.
int64_t codes_a_byte(const Node& node, DType data) {
  const int64_t bits = node.attr_or("bits", 4);
  require(bits == 2 || bits == 4 || bits == 8, "bits is none of 2, 4, 8");
  return data == DType::uint8 ? 8 / bits : 1;
}

/// What lies where; indices count codes.
struct Blocks {
  int64_t inner, size, block, blocks;  ///< behind and along the quantized axis

  /// Of the code `i`.
  int64_t scale_at(int64_t i) const { return (i / (inner * size) * blocks + i / inner % size / block) * inner + i % inner; }
  /// How many codes from `i` on share its scale.
  int64_t run(int64_t i) const { return inner > 1 ? 1 : std::min(block - i % size % block, size - i % size); }
};

Blocks blocks_of(const Node& node, const Shape& codes, const Tensor& scales) {
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("quantize_axis", 1), codes.size()));
  const int64_t block = node.attr_or("block_size", 128), size = codes[axis];
  require(block >= 1, "block_size is not a size");
  Shape expected = codes;
  expected[axis] = size / block + (size % block != 0);
  require(scales.shape() == expected, "the scales do not fit the data");
  return {product(codes, axis + 1, codes.size()), size, block, expected[axis]};
}

/// Codes of one tensor, read where they are needed.
class Codes {
 public:
  Codes(const Tensor& tensor, int64_t each) : tensor_(tensor), each_(each), is_signed_(is_signed(tensor.dtype())) {}

  int32_t at(int64_t i) const {
    const int bits = static_cast<int>(8 / each_);
    const auto byte = bytes()[i / each_];
    return is_signed_ ? static_cast<int8_t>(byte) : byte >> i % each_ * bits & ((1 << bits) - 1);
  }

  /// `count` codes from `i` on less `zero`, times `scale`.
  void dequantize(int64_t i, int64_t count, int32_t zero, float scale, float* to) const {
    uint8_t unpacked[kAtOnce];
    for (int64_t done = 0, part; done < count; done += part) {
      part = i % each_ == 0 ? std::min(count - done, kAtOnce) : 1;
      const uint8_t* from = bytes() + (i + done) / each_;
      if (each_ > 1 && part > 1) unpack_codes(from, part, 8 / each_, unpacked), from = unpacked;
      if (part == 1)
        to[done] = static_cast<float>(at(i + done) - zero) * scale;
      else if (is_signed_)
        for (int64_t j = 0; j < part; ++j) to[done + j] = static_cast<float>(static_cast<int8_t>(from[j]) - zero) * scale;
      else
        for (int64_t j = 0; j < part; ++j) to[done + j] = static_cast<float>(from[j] - zero) * scale;
    }
  }

 private:
  static constexpr int64_t kAtOnce = 1024;  ///< a multiple of the codes of a byte
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(tensor_.bytes()); }

  const Tensor& tensor_;
  const int64_t each_;
  const bool is_signed_;
};

/// Zero points, by the index of their scale.
class Zeros {
 public:
  Zeros(const Tensor& data, const Tensor& given, int64_t each, const Blocks& blocks, int64_t scales)
      : given_(given.defined()),
        codes_(given, given_ ? each : 1),
        middle_(data.dtype() == DType::uint8 ? 1 << (8 / each - 1) : 0),
        blocks_(std::max<int64_t>(1, blocks.blocks)),
        padded_((blocks_ + each - 1) / each * each) {
    if (!given_) return;
    require(given.dtype() == data.dtype(), "data and zero points differ in type");
    require(each == 1 || blocks.inner == 1, "codes are packed along another axis than they are quantized");
    require(given.size() == (each == 1 ? scales : scales / blocks_ * (padded_ / each)), "the zero points do not fit the scales");
  }

  int32_t at(int64_t i) const { return given_ ? codes_.at(i / blocks_ * padded_ + i % blocks_) : middle_; }

 private:
  const bool given_;
  const Codes codes_;
  const int32_t middle_;
  const int64_t blocks_, padded_;  ///< entries of a row, and what its bytes hold
};

Shape codes_shape(const Node& node, const Tensor& data) {
  require(is_integer(data.dtype()) && bit_width(data.dtype()) <= 8 && data.rank() > 0, "data is no array of codes");
  Shape shape = data.shape();
  shape.back() *= codes_a_byte(node, data.dtype());
  return shape;
}

int64_t checked(int64_t index, int64_t size) {
  if (index < -size || index >= size)
    throw invalid_file("index " + std::to_string(index) + " is outside a dimension of " + std::to_string(size));
  return index < 0 ? index + size : index;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &data = input(in, 0), &indices = input(in, 1), &scales = input(in, 2);
  const Shape codes = codes_shape(node, data);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("gather_axis", 0), codes.size()));
  const int64_t each = codes_a_byte(node, data.dtype());
  require(each == 1 || axis + 1 < codes.size(), "codes are packed along the axis that is gathered");
  const Blocks blocks = blocks_of(node, codes, scales);
  const Codes from(data, each);
  const Zeros zeros(data, optional_input(in, 3), each, blocks, scales.size());
  const Tensor factors = scales.cast(DType::float32);
  Shape shape(codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.shape().begin(), indices.shape().end());
  shape.insert(shape.end(), codes.begin() + static_cast<std::ptrdiff_t>(axis) + 1, codes.end());
  Tensor y(DType::float32, shape);
  float* to = elements<float>(y);
  const int64_t outer = product(codes, 0, axis), inner = product(codes, axis + 1, codes.size());
  const std::vector<int64_t> chosen = indices.to_ints();
  for (int64_t o = 0; o < outer; ++o)
    for (const int64_t index : chosen) {
      const int64_t first = (o * codes[axis] + checked(index, codes[axis])) * inner;
      for (int64_t i = first; i < first + inner;) {
        const int64_t count = std::min(blocks.run(i), first + inner - i);
        const int64_t at = blocks.scale_at(i);
        from.dequantize(i, count, zeros.at(at), elements<float>(factors)[at], to);
        i += count, to += count;
      }
    }
  out[0] = y.cast(scales.dtype());
}

TypeList infer(const Node& node, const InferInput& in) {
  Dims data = dims_of(in, 0);
  const Dims& indices = dims_of(in, 1);
  if (!data || !indices || data->empty()) return outputs(node, {{dtype_of(in, 2), std::nullopt}});
  if (data->back().known()) data->back() = known(data->back().value * codes_a_byte(node, dtype_of(in, 0)));
  const auto axis = normalize_axis(node.attr_or("gather_axis", 0), data->size());
  std::vector<Dim> dims(data->begin(), data->begin() + axis);
  dims.insert(dims.end(), indices->begin(), indices->end());
  dims.insert(dims.end(), data->begin() + axis + 1, data->end());
  return outputs(node, {{dtype_of(in, 2), dims}});
}

}  // namespace

extern const OpDef kGatherBlockQuantized1{.name = "GatherBlockQuantized", .infer = infer, .eval = eval, .domain = "com.microsoft"};

}  // namespace qtool
