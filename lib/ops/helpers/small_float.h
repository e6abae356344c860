#pragma once
// The floats of 8 and 4 bits, which have no arithmetic of their own: only conversion from and to float.

#include <vector>

#include "tensor/tensor.h"

namespace qtool {

bool is_small_float(DType dtype);  ///< float8*, float4e2m1

float decode_small_float(uint8_t bits, DType dtype);
/// To nearest, ties to even. `saturate`: what is too large becomes the largest finite value, else infinity or NaN.
/// float8e8m0 alone rounds by `toward`, to the power of two above, below, or the nearest with ties up.
enum class PowerRounding { up, down, nearest };
uint8_t encode_small_float(float value, DType dtype, bool saturate, PowerRounding toward = PowerRounding::up);

std::vector<float> from_small_float(const Tensor& tensor);
Tensor to_small_float(const std::vector<float>& values, const Shape& shape, DType dtype, bool saturate,
                      PowerRounding toward = PowerRounding::up);

}  // namespace qtool
