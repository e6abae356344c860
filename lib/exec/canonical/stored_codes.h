#pragma once
// Weights behind a DequantizeLinear, as the file stores them.

#include <optional>

#include "exec/cluster/quantized.h"

namespace qtool {

/// Constants of at most 8 bits, their f32 scales, and zero points of the codes' type in the shape of the scales (null: 0).
struct StoredCodes {
  const Tensor *codes, *scales, *zeros;
  int64_t axis;   ///< from 0 on
  int64_t block;  ///< 0: scales are one number, or one a slice of the axis

  int bits() const { return bit_width(codes->dtype()); }
  bool per_tensor() const { return block == 0 && scales->size() == 1; }
  bool per_slice_of(int64_t a) const;
  /// One a block along `a`, in the rank of the codes.
  bool per_block_of(int64_t a) const;
  /// Engines hold 8 bits as s8 without zero points. Throws Error(invalid_file) when shapes do not fit.
  bool fits_s8() const;
};

/// Of the DequantizeLinear that made `real`; nothing when something else did, or codes and parameters are not as above.
std::optional<StoredCodes> stored_codes(const Value* real);

/// Erases the DequantizeLinear of `real` where nothing reads it any more.
void erase_if_unused(Value& real);

}  // namespace qtool
