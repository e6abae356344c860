#include "exec/kernels/recurrent/packed_gates.h"

#include "exec/cluster/quantized.h"
#include "ops/helpers/scales.h"

namespace qtool::lowerings {
namespace {

constexpr size_t kScales = 8;  ///< inputs: scale and zero point of W, then of R

/// Codes of 4 bits or less start at 0 in NibbleCodes.
int offset_of(DType dtype) { return is_signed(dtype) && bit_width(dtype) < 8 ? 1 << (bit_width(dtype) - 1) : 0; }

bool fits_s8(const Tensor& codes, const Tensor& scale, const Tensor* zero, int64_t block) {
  bool fits = true;
  ScaleMap(codes.shape(), scale.shape(), block > 0 ? 2 : 1, block).for_each([&](int64_t i, int64_t at) {
    const double value = codes.number_at(i) - (zero ? zero->number_at(at) : 0);
    fits = fits && value >= -128 && value <= 127;
  });
  return fits;
}

}  // namespace

std::optional<std::string> PackedGates::why_not(const Node& node, size_t weight) {
  const Tensor *codes = constant_in(node, 1 + weight), *scale = constant_in(node, kScales + 2 * weight);
  const size_t zero_input = kScales + 2 * weight + 1;
  const Tensor* zero = constant_in(node, zero_input);
  if (!codes || !scale || (node.in(zero_input) && !zero)) return "its weights are computed";
  if (codes->rank() != 3 || !is_integer(codes->dtype()) || bit_width(codes->dtype()) > 8) return "its weights are no codes";
  if (scale->dtype() != DType::float32 || (zero && (zero->dtype() != codes->dtype() || zero->shape() != scale->shape())))
    return "its scales are not float32, or its zero points of another type or shape";
  const int64_t block = node.attr_or("block_size", 0);
  const Shape rows{codes->shape()[1]};
  if (block < 0 || block % 2 != 0) return "its blocks are of an odd size";
  const Shape blocks{codes->shape()[0], rows[0], block > 0 ? (codes->shape()[2] - 1) / block + 1 : 0};
  if (block > 0 ? scale->shape() != blocks : scale->size() != 1 && scale->shape() != rows) return "its scales do not fit its weights";
  if (bit_width(codes->dtype()) == 8 && !fits_s8(*codes, *scale, zero, block)) return "codes less their zero points do not fit s8";
  return std::nullopt;
}

PackedGates::PackedGates(const Node& node, size_t weight, int64_t direction)
    : codes_(*constant_in(node, 1 + weight)),
      scale_(*constant_in(node, kScales + 2 * weight)),
      zero_(constant_in(node, kScales + 2 * weight + 1)),
      direction_(direction),
      rows_(codes_.shape()[1]),
      inputs_(codes_.shape()[2]) {
  const int64_t block = node.attr_or("block_size", 0);
  block_ = static_cast<size_t>(block > 0 ? block : inputs_ + inputs_ % 2);
}

std::string PackedGates::kernel() const { return bit_width(codes_.dtype()) < 8 ? NibbleCodes::kernel() : ByteCodes::kernel(); }

int32_t PackedGates::zero_at(size_t parameter) const {
  return zero_ ? static_cast<int32_t>(zero_->number_at(static_cast<int64_t>(parameter))) : 0;
}

size_t PackedGates::parameter_at(int64_t row, size_t group) const {
  if (scale_.size() == 1) return 0;
  if (scale_.rank() == 1) return static_cast<size_t>(row);
  return static_cast<size_t>((direction_ * rows_ + row) * scale_.shape()[2]) + group;
}

Groups PackedGates::groups(int64_t first, int64_t last) const {
  const size_t count = (static_cast<size_t>(inputs_) + block_ - 1) / block_;
  Groups groups{block_, {}, {}};
  for (size_t g = 0; g < count; ++g)
    for (int64_t row = first; row < last; ++row) {
      const size_t at = parameter_at(row, g);
      groups.scales.push_back(scale_.floats()[at]);
      groups.zeros.push_back(static_cast<uint8_t>(zero_at(at) + offset_of(codes_.dtype())));
    }
  return groups;
}

PackedCodes PackedGates::columns(int64_t first, int64_t last) const {
  const auto depth = static_cast<size_t>(inputs_), columns = static_cast<size_t>(last - first);
  const WeightView view{0, {0}, depth, 1, columns, depth};
  const auto* from = reinterpret_cast<const uint8_t*>(codes_.bytes()) + (direction_ * rows_ + first) * inputs_;
  const Groups parameters = groups(first, last);
  const int offset = offset_of(codes_.dtype());
  std::vector<uint8_t> codes(from, from + columns * depth);
  if (bit_width(codes_.dtype()) < 8) {
    for (uint8_t& code : codes) code = static_cast<uint8_t>(code + offset);
    return NibbleCodes(view, codes.data(), parameters);
  }
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<uint8_t>(codes[i] - zero_at(parameter_at(first + static_cast<int64_t>(i / depth), i % depth / block_)));
  return ByteCodes(view, reinterpret_cast<const int8_t*>(codes.data()), parameters);
}

}  // namespace qtool::lowerings
