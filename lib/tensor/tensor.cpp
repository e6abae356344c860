#include "tensor/tensor.h"

#include <cstring>
#include <limits>

namespace qtool {
namespace {

template <class T>
double as_number(T value) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>)
    return to_float(value);
  else
    return static_cast<double>(value);
}

template <class To>
To integer_from(double value) {
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(std::numeric_limits<To>::lowest())) return std::numeric_limits<To>::lowest();
  if (value >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>)
    return value;
  else if constexpr (std::is_same_v<To, Float16>)
    return to_float16(static_cast<float>(as_number(value)));
  else if constexpr (std::is_same_v<To, BFloat16>)
    return to_bfloat16(static_cast<float>(as_number(value)));
  else if constexpr (std::is_same_v<To, bool>)
    return as_number(value) != 0;
  else if constexpr (std::is_floating_point_v<To> && std::is_arithmetic_v<From>)
    return static_cast<To>(value);  // in one rounding: int64 by way of double would take two
  else if constexpr (std::is_floating_point_v<To>)
    return static_cast<To>(as_number(value));
  else if constexpr (std::is_integral_v<From>)
    return static_cast<To>(value);  // wraps, as numpy and ONNX Runtime do
  else
    return integer_from<To>(as_number(value));
}

bool viewed_as(DType held, DType wanted) {
  const bool small_signed = held == DType::int4 || held == DType::int2;
  const bool small_unsigned = held == DType::uint4 || held == DType::uint2;
  return held == wanted || (small_signed && wanted == DType::int8) || (small_unsigned && wanted == DType::uint8);
}

/// Elements of a tensor whose bytes can be counted in 63 bits.
int64_t checked_size(DType dtype, const Shape& shape) {
  const int64_t count = element_count(shape);
  const size_t element = element_size(dtype);
  if (element == 0) throw unsupported("a tensor of type " + std::string(name_of(dtype)) + " is not supported here");
  if (static_cast<uint64_t>(count) > std::numeric_limits<uint64_t>::max() / 2 / element)
    throw invalid_file("shape " + to_string(shape) + " is too large");
  return count;
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)), size_(checked_size(dtype_, shape_)) {
  buffer_ = Buffer::allocate(byte_size());
}

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<Buffer> bytes)
    : dtype_(dtype), shape_(std::move(shape)), size_(checked_size(dtype_, shape_)), buffer_(std::move(bytes)) {
  if (byte_size() > buffer_->size()) throw bug("Tensor: buffer too small for " + to_string(shape_));
}

Tensor Tensor::zeros(DType dtype, Shape shape) {
  Tensor tensor(dtype, std::move(shape));
  std::memset(tensor.mutable_bytes(), 0, tensor.byte_size());
  return tensor;
}

Tensor Tensor::of_strings(Shape shape, std::vector<std::string> values) {
  Tensor tensor;
  tensor.dtype_ = DType::string;
  tensor.shape_ = std::move(shape);
  tensor.size_ = element_count(tensor.shape_);
  if (static_cast<size_t>(tensor.size_) != values.size()) throw invalid_file("a string tensor of the wrong size");
  tensor.strings_ = std::make_shared<const std::vector<std::string>>(std::move(values));
  return tensor;
}

const std::vector<std::string>& Tensor::strings() const {
  if (!strings_) throw bug("Tensor: not a string tensor");
  return *strings_;
}

void Tensor::check_type(DType wanted) const {
  if (!viewed_as(dtype_, wanted)) throw bug("a " + std::string(name_of(dtype_)) + " tensor was read as " + std::string(name_of(wanted)));
}

std::byte* Tensor::mutable_bytes() {
  if (!buffer_) return nullptr;
  if (buffer_.use_count() > 1 || !buffer_->writable()) {
    auto copy = Buffer::allocate(byte_size());
    if (byte_size() != 0) std::memcpy(copy->mutable_data(), buffer_->data(), byte_size());
    buffer_ = std::move(copy);
  }
  return buffer_->mutable_data();
}

Tensor Tensor::reshaped(Shape shape) const {
  if (element_count(shape) != size_)
    throw invalid_file("a tensor of shape " + to_string(shape_) + " cannot be reshaped to " + to_string(shape));
  Tensor view = *this;
  view.shape_ = std::move(shape);
  return view;
}

Tensor Tensor::cast(DType to) const {
  if (to == dtype_) return *this;
  Tensor out(to, shape_);
  dispatch(dtype_, [&](auto from) {
    using From = decltype(from);
    const auto* in = reinterpret_cast<const From*>(bytes());
    dispatch(to, [&](auto target) {
      using To = decltype(target);
      auto* result = reinterpret_cast<To*>(out.mutable_bytes());
      for (int64_t i = 0; i < size_; ++i) result[i] = convert<To>(in[i]);
    });
  });
  return out;
}

double Tensor::number_at(int64_t i) const {
  if (i < 0 || i >= size_) throw bug("Tensor::number_at: out of range");
  return dispatch(dtype_, [&](auto kind) { return as_number(reinterpret_cast<const decltype(kind)*>(bytes())[i]); });
}

std::vector<int64_t> Tensor::to_ints() const {
  const Tensor wide = cast(DType::int64);
  const auto values = wide.data<int64_t>();
  return {values.begin(), values.end()};
}

std::vector<float> Tensor::to_floats() const {
  const Tensor wide = cast(DType::float32);
  const auto values = wide.floats();
  return {values.begin(), values.end()};
}

bool Tensor::operator==(const Tensor& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
  if (dtype_ == DType::string) return *strings_ == *other.strings_;
  return byte_size() == 0 || std::memcmp(bytes(), other.bytes(), byte_size()) == 0;
}

}  // namespace qtool
