#include "ops/helpers/numeric.h"

namespace qtool {

void refuse_type(DType dtype) { throw unsupported("type " + std::string(name_of(dtype)) + " is not supported here"); }

std::vector<double> to_doubles(const Tensor& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  dispatch(tensor.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(tensor);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(widen(from[i]));
  });
  return values;
}

Tensor from_doubles(DType dtype, const Shape& shape, std::span<const double> values) {
  Tensor wide(DType::float64, shape);
  if (static_cast<size_t>(wide.size()) != values.size()) throw bug("from_doubles: wrong number of values");
  std::copy(values.begin(), values.end(), elements<double>(wide));
  return wide.cast(dtype);
}

const Tensor& optional_input(TensorsIn in, size_t i) {
  static const Tensor kOmitted;
  return i < in.size() ? in[i] : kOmitted;
}

const Tensor& input(TensorsIn in, size_t i) {
  const Tensor& tensor = optional_input(in, i);
  if (!tensor.defined()) throw invalid_file("input " + std::to_string(i) + " is missing");
  return tensor;
}

void assign(TensorsOut out, size_t i, Tensor value) {
  if (i < out.size()) out[i] = std::move(value);
}

void require(bool ok, const char* message) {
  if (!ok) throw invalid_file(message);
}

}  // namespace qtool
