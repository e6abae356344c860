#include "exec/canonical/stored_codes.h"

#include "ops/helpers/scales.h"

namespace qtool {

bool StoredCodes::per_slice_of(int64_t a) const {
  return block == 0 && scales->rank() == 1 && axis == a && scales->size() == codes->shape()[static_cast<size_t>(a)];
}

bool StoredCodes::per_block_of(int64_t a) const {
  if (block == 0 || axis != a) return false;
  Shape blocks = codes->shape();
  int64_t& size = blocks[static_cast<size_t>(a)];
  size = size / block + (size % block != 0);
  return scales->shape() == blocks;
}

bool StoredCodes::fits_s8() const {
  if (bits() < 8) return true;
  bool fits = true;
  ScaleMap(codes->shape(), scales->shape(), axis, block).for_each([&](int64_t i, int64_t at) {
    const double value = codes->number_at(i) - (zeros ? zeros->number_at(at) : 0);
    fits = fits && value >= -128 && value <= 127;
  });
  return fits;
}

std::optional<StoredCodes> stored_codes(const Value* real) {
  if (!real || !is_dequantize(real->producer())) return std::nullopt;
  const Node& node = real->producer();
  const Tensor *codes = constant_in(node, 0), *scales = constant_in(node, 1), *zeros = constant_in(node, 2);
  if (!codes || !scales || (node.in(2) && !zeros) || codes->size() == 0 || scales->size() == 0) return std::nullopt;
  if (!is_integer(codes->dtype()) || bit_width(codes->dtype()) > 8 || scales->dtype() != DType::float32) return std::nullopt;
  if (zeros && (zeros->dtype() != codes->dtype() || zeros->shape() != scales->shape())) return std::nullopt;
  const int64_t rank = std::ssize(codes->shape()), block = node.attr_or("block_size", 0), axis = node.attr_or("axis", 1);
  const int64_t positive = axis < 0 ? axis + rank : axis;
  const bool along = positive >= 0 && positive < rank;
  if (block < 0 || (!along && (block > 0 || scales->size() > 1))) return std::nullopt;
  return StoredCodes{codes, scales, zeros, along ? positive : 0, block};
}

void erase_if_unused(Value& real) {
  Node& node = real.producer();
  if (real.unused() && !real.is_graph_output()) node.graph().erase(node);
}

}  // namespace qtool
