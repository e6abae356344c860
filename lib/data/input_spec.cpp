#include "data/input_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace qtool {
namespace {

std::string frame(const InputSpec& input) {
  std::string text = "input \"";
  for (const char c : input.name) text += static_cast<unsigned char>(c) < ' ' ? '?' : c;
  return text + "\": ";
}

bool widens(DType from, DType to) {
  if (from == to) return true;
  if (from == DType::float64) return to == DType::float32;
  if (!is_integer(from) || !is_integer(to) || bit_width(to) < 8) return false;
  if (is_signed(from)) return is_signed(to) && bit_width(to) > bit_width(from);
  return bit_width(to) > bit_width(from);
}

bool dims_fit(const std::vector<int64_t>& wanted, const Shape& found) {
  return std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(), [](int64_t w, int64_t f) { return w < 0 || w == f; });
}

/// Index of the first NaN, or -1. The first loop has no exit, so it runs at the speed of memory.
template <class T>
int64_t first_nan(std::span<const T> values) {
  const auto is_nan = [](T value) {
    if constexpr (std::is_floating_point_v<T>)
      return value != value;
    else if constexpr (std::is_same_v<T, Float16>)
      return (value.bits & 0x7fff) > 0x7c00;
    else
      return (value.bits & 0x7fff) > 0x7f80;
  };
  unsigned found = 0;
  for (const T value : values) found |= static_cast<unsigned>(is_nan(value));
  return found ? std::find_if(values.begin(), values.end(), is_nan) - values.begin() : -1;
}

int64_t first_nan(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::float32:
      return first_nan(tensor.data<float>());
    case DType::float64:
      return first_nan(tensor.data<double>());
    case DType::float16:
      return first_nan(tensor.data<Float16>());
    case DType::bfloat16:
      return first_nan(tensor.data<BFloat16>());
    default:
      return -1;
  }
}

void refuse_nan(const InputSpec& input, const Tensor& tensor) {
  const int64_t at = first_nan(tensor);
  if (at >= 0)
    throw invalid_file(frame(input) + "expected numbers, found NaN at element " + std::to_string(at) + " of " + to_string(tensor.shape()));
}

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

Tensor widened(const InputSpec& input, const Tensor& tensor) {
  const Tensor out = tensor.cast(input.dtype);
  if (tensor.dtype() != DType::float64) return out;
  const auto before = tensor.data<double>();
  const auto after = out.floats();
  for (size_t i = 0; i < after.size(); ++i)
    if (std::isinf(after[i]) && !std::isinf(before[i]))
      throw invalid_file(frame(input) + "expected float32, found " + shortest(before[i]) + " at element " + std::to_string(i));
  return out;
}

}  // namespace

std::string describe(const InputSpec& input) {
  const std::string type(input.dtype == DType::undefined ? "any type" : name_of(input.dtype));
  if (!input.has_rank) return type + " of any shape";
  if (input.dims.empty()) return type + " scalar";
  std::string dims;
  for (const int64_t dim : input.dims) dims += (dims.empty() ? "" : "x") + (dim < 0 ? "?" : std::to_string(dim));
  return type + " " + dims;
}

Shape fitting_shape(const InputSpec& input, DType dtype, const Shape& found) {
  const bool type_fits = input.dtype == DType::undefined || widens(dtype, input.dtype);
  if (type_fits && (!input.has_rank || dims_fit(input.dims, found))) return found;
  Shape batched = found;
  batched.insert(batched.begin(), 1);
  if (type_fits && dims_fit(input.dims, batched)) return batched;
  throw invalid_file(frame(input) + "expected " + describe(input) + ", found " + std::string(name_of(dtype)) + " " + to_string(found));
}

Tensor fit(const InputSpec& input, const Tensor& array, bool allow_nan) {
  const Tensor shaped = array.reshaped(fitting_shape(input, array.dtype(), array.shape()));
  if (!allow_nan) refuse_nan(input, shaped);
  return input.dtype == DType::undefined || input.dtype == shaped.dtype() ? shaped : widened(input, shaped);
}

Shape shape_of_raw(const InputSpec& input, uint64_t bytes) {
  const auto refuse = [&](const std::string& why) -> Error {
    return invalid_file(frame(input) + "expected " + describe(input) + ", found " + std::to_string(bytes) + " raw bytes" + why);
  };
  const uint64_t element = element_size(input.dtype);
  if (element == 0 || !input.has_rank) throw refuse(", which say neither type nor shape");
  Shape shape(input.dims.begin(), input.dims.end());
  if (std::count(shape.begin(), shape.end(), -1) > 1 && shape[0] == -1) shape[0] = 1;
  const auto open = std::find(shape.begin(), shape.end(), -1);
  if (std::count(shape.begin(), shape.end(), -1) > 1) throw refuse(", which leave several dimensions open");
  if (open != shape.end()) {
    *open = 1;
    const auto rest = static_cast<uint64_t>(element_count(shape)) * element;
    *open = rest == 0 ? 0 : static_cast<int64_t>(bytes / rest);
  }
  if (static_cast<uint64_t>(element_count(shape)) * element != bytes) throw refuse("");
  return shape;
}

}  // namespace qtool
