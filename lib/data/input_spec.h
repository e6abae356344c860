#pragma once
// What a model wants as an input, and whether an array is that.

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qtool {

/// A graph input that is no initializer.
struct InputSpec {
  std::string name;
  DType dtype = DType::undefined;  ///< undefined: any
  std::vector<int64_t> dims;       ///< -1 = dynamic
  bool has_rank = true;            ///< false: any shape, dims is empty
  bool optional = false;
};

/// "float32 1x3x?x?"
std::string describe(const InputSpec& input);

/// The shape under which an array of `found` is fed: itself, or with a batch dimension of 1 in front where exactly that is missing.
/// Throws Error(invalid_file) `input "x": expected float32 1x3x?x?, found float32 1x1x28x28`. Types: equal, float64 for float32, an
/// integer type whose values all fit (int32 for int64).
Shape fitting_shape(const InputSpec& input, DType dtype, const Shape& found);

/// The array as it is fed: fitting_shape, converted to the input's type. NaN (unless allowed), and float64 values beyond float32, are
/// Error(invalid_file) with the place of the first.
Tensor fit(const InputSpec& input, const Tensor& array, bool allow_nan);

/// Shape of `bytes` raw bytes as this input: its one dynamic dimension is what remains; of several, the first (the batch) is taken as 1.
/// Throws Error(invalid_file) where that does not come out even.
Shape shape_of_raw(const InputSpec& input, uint64_t bytes);

}  // namespace qtool
