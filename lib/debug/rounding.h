#pragma once
// What Q and DQ do to a tensor, with the codes counted on the way.

#include <array>
#include <vector>

#include "exec/lowering.h"
#include "tensor/quant_math.h"

namespace qtool::debug {

/// How often each code was used; of types of up to 8 bits, others are not counted.
using CodeCounts = std::vector<uint64_t>;  ///< [code - full_range().lo], empty: not counted

/// dequantize(quantize(value)) of a float32 tensor, in its layout. `counts` may be null.
Array rounded(const Array& value, const QuantParams& params, BufferPool& pool, CodeCounts* counts);

/// Real values of the lowest and the highest code; per channel: of the widest.
double lowest_real(const QuantParams& params);
double highest_real(const QuantParams& params);

}  // namespace qtool::debug
