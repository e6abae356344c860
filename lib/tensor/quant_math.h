#pragma once
// The only rounding rules of the host code, ONNX to the letter (QuantizeLinear-13, DequantizeLinear-13):
//   quantize(x)   = saturate(round_half_even(x / scale) + zero_point)
//   dequantize(q) = (q - zero_point) * scale
// Divided, never multiplied by a reciprocal. Nobody rounds to codes elsewhere.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace qtool {

/// Codes a quantized tensor may use, inclusive.
struct CodeRange {
  int64_t lo = 0, hi = 0;
  bool operator==(const CodeRange&) const = default;
};

/// All codes of an integer dtype: uint8 -> 0..255.
CodeRange full_range(DType dtype);

/// Scale and zero point of one tensor. Per tensor: one element each, axis -1. Per channel: one a slice of `axis`.
/// Invariants: scales finite and > 0; every zero point within the dtype.
struct QuantParams {
  DType dtype = DType::undefined;
  int axis = -1;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  bool per_channel() const { return axis >= 0; }
  float scale() const { return scales[0]; }
  int32_t zero_point() const { return zero_points[0]; }
  bool operator==(const QuantParams&) const = default;
};

/// One value to its code, clamped to [lo, hi] after the zero point is added. NaN gives the zero point.
inline int32_t quantize_value(float x, float scale, int32_t zero_point, CodeRange codes) {
  const float scaled = std::nearbyint(x / scale);  // default rounding mode: half to even
  if (std::isnan(scaled)) return zero_point;
  const double code = static_cast<double>(scaled) + zero_point;
  return static_cast<int32_t>(std::clamp(code, static_cast<double>(codes.lo), static_cast<double>(codes.hi)));
}

inline float dequantize_value(int64_t code, float scale, int32_t zero_point) { return static_cast<float>(code - zero_point) * scale; }

/// Range -> parameters, affine (SPEC 8): the range is widened to contain 0, the zero point rounded and clamped;
/// an empty or constant range gives scale max(eps, |x|/span) that is valid.  [lo, hi] finite.
QuantParams affine_params(float lo, float hi, DType dtype, CodeRange codes, float eps);
/// Symmetric: scale = max|x| / ((hi_code - lo_code) / 2), as torch.ao; zero point 0 (signed) or the middle code (unsigned).
QuantParams symmetric_params(float lo, float hi, DType dtype, CodeRange codes, float eps);

/// Of DynamicQuantizeLinear-11, for values in [lo, hi]: uint8, scale = (max(hi, 0) - min(lo, 0)) / 255 (1 where that is 0), zero point =
/// saturate(round(-min(lo, 0) / scale)).
QuantParams dynamic_params(float lo, float hi);

/// Element-wise over a float32 tensor -> tensor of params.dtype, and back. Codes clamped to `codes`.
Tensor quantize(const Tensor& real, const QuantParams& params, CodeRange codes);
Tensor dequantize(const Tensor& codes, const QuantParams& params);
/// dequantize(quantize(x)).
Tensor fake_quantize(const Tensor& real, const QuantParams& params, CodeRange codes);

}  // namespace qtool
