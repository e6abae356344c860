#pragma once
// The two loops that calibration spends its time in, one set a processor generation; all give the same results.

#include <cstddef>
#include <cstdint>

namespace qtool::observe {

/// Extremes of n values. NaN is skipped; `all_finite` is false where a NaN or an infinity was met.
/// n = 0: lo = +inf, hi = -inf.
struct ScanResult {
  float lo, hi;
  bool all_finite;
};
using ScanFn = ScanResult (*)(const float* values, size_t n);

/// bins[i] = floor(values[i] * inverse_width) - first, exactly.
/// values        n finite floats
/// inverse_width a power of two; |values[i] * inverse_width| <= 2^24, so the product is exact unless it underflows; a negative value
///               whose product underflows is in bin -1 - first
/// bins          n of them; results fit 0..65535; padded: up to kBinPadding elements behind the end are overwritten
using BinsFn = void (*)(const float* values, size_t n, float inverse_width, int32_t first, uint16_t* bins);
inline constexpr size_t kBinPadding = 32;

struct Kernels {
  ScanFn scan;
  BinsFn bins;
};
/// The fastest set this processor runs; chosen once.
const Kernels& kernels();
/// The set every processor runs: the meaning of the others.
const Kernels& portable_kernels();

}  // namespace qtool::observe
