#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace qtool {

/// Dimensions of a concrete tensor, outermost first; empty = scalar. All >= 0.
using Shape = std::vector<int64_t>;

/// Product of the dimensions; throws Error(invalid_file) on a negative one or above 2^62.
int64_t element_count(const Shape& shape);
/// Product of dims [begin, end).
int64_t product(const Shape& shape, size_t begin, size_t end);
/// "1x3x224x224"; "scalar" when empty.
std::string to_string(const Shape& shape);
/// Elements to skip per step of each dimension, row-major.
Shape strides_of(const Shape& shape);
/// axis in [-rank, rank) -> [0, rank); throws Error(invalid_file) outside.
int64_t normalize_axis(int64_t axis, size_t rank);
/// Numpy broadcasting of two shapes; throws Error(invalid_file) when they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace qtool
