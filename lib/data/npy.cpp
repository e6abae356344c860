#include "data/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace qtool {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are stored as they lie in memory");

constexpr size_t kLongestText = 64;

std::string_view code_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "<f4";
    case DType::float64:
      return "<f8";
    case DType::float16:
      return "<f2";
    case DType::boolean:
      return "|b1";
    case DType::int8:
      return "|i1";
    case DType::int16:
      return "<i2";
    case DType::int32:
      return "<i4";
    case DType::int64:
      return "<i8";
    case DType::uint8:
      return "|u1";
    case DType::uint16:
      return "<u2";
    case DType::uint32:
      return "<u4";
    case DType::uint64:
      return "<u8";
    case DType::complex64:
      return "<c8";
    case DType::complex128:
      return "<c16";
    default:
      throw unsupported("a " + std::string(name_of(dtype)) + " tensor cannot be written as .npy");
  }
}

/// Magic, version 1.0 and the dictionary, padded with spaces so that the data begin at a multiple of 64.
std::string header_bytes(std::string_view code, const Shape& shape) {
  std::string dims;
  for (const int64_t dim : shape) dims += std::to_string(dim) + ", ";
  if (shape.size() > 1) dims.resize(dims.size() - 2);
  if (shape.size() == 1) dims.pop_back();
  std::string text = "{'descr': '" + std::string(code) + "', 'fortran_order': False, 'shape': (" + dims + "), }";
  constexpr size_t kPrefix = 10;
  text.append(63 - (kPrefix + text.size()) % 64, ' ');
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  std::string bytes = "\x93NUMPY\x01";
  bytes += '\0';
  bytes += static_cast<char>(length & 255);
  bytes += static_cast<char>(length >> 8);
  return bytes + text;
}

/// Column-major `in` -> row-major `out`; `shape` is that of the array.
void transpose_from_fortran(const std::byte* in, std::byte* out, const Shape& shape, size_t element) {
  const int64_t count = element_count(shape);
  Shape strides(shape.size(), 1), index(shape.size(), 0);
  for (size_t i = 1; i < shape.size(); ++i) strides[i] = strides[i - 1] * shape[i - 1];
  int64_t from = 0;
  for (int64_t to = 0; to < count; ++to) {
    std::memcpy(out + static_cast<size_t>(to) * element, in + static_cast<size_t>(from) * element, element);
    for (size_t d = shape.size(); d-- > 0;) {
      from += strides[d];
      if (++index[d] < shape[d]) break;
      from -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

Tensor row_major(const Tensor& tensor) {
  Tensor out(tensor.dtype(), tensor.shape());
  transpose_from_fortran(tensor.bytes(), out.mutable_bytes(), tensor.shape(), element_size(tensor.dtype()));
  return out;
}

void check_booleans(const Tensor& tensor) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(tensor.bytes());
  for (size_t i = 0; i < tensor.byte_size(); ++i)
    if (bytes[i] > 1) throw invalid_file("bool array with the byte " + std::to_string(bytes[i]) + " at element " + std::to_string(i));
}

/// Bytes of the array, checked to be what is left after `header`.
void check_size(uint64_t left, DType dtype, const Shape& shape) {
  const uint64_t count = static_cast<uint64_t>(element_count(shape)), element = element_size(dtype);
  if (count <= left && count * element == left) return;
  throw invalid_file(std::string(name_of(dtype)) + " array of shape " + to_string(shape) + " needs " + std::to_string(count) + " x " +
                     std::to_string(element) + " bytes, found " + std::to_string(left));
}

/// Counts what has been read, so that the rest is known.
class Counted final : public ByteStream {
 public:
  explicit Counted(ByteStream& stream) : stream_(stream) {}
  uint64_t size() const override { return stream_.size(); }
  uint64_t left() const { return stream_.size() - read_; }
  void read(void* to, size_t bytes) override {
    stream_.read(to, bytes);
    read_ += bytes;
  }
  void finish() override { stream_.finish(); }

 private:
  ByteStream& stream_;
  uint64_t read_ = 0;
};

}  // namespace

DType stored_type(DType dtype) {
  switch (dtype) {
    case DType::bfloat16:
      return DType::uint16;
    case DType::float8e4m3fn:
    case DType::float8e4m3fnuz:
    case DType::float8e5m2:
    case DType::float8e5m2fnuz:
    case DType::float8e8m0:
    case DType::float4e2m1:
    case DType::int4:
    case DType::uint4:
    case DType::int2:
    case DType::uint2:
      return DType::uint8;
    default:
      return dtype;
  }
}

Tensor read_npy(ByteStream& stream, const ArrayCheck& check) {
  Counted counted(stream);
  const NpyHeader header = read_npy_header(counted);
  const DType dtype = dtype_of_descr(header.descr);
  check_size(counted.left(), dtype, header.shape);
  if (check) check(dtype, header.shape);
  Tensor tensor(dtype, header.shape);
  counted.read(tensor.mutable_bytes(), tensor.byte_size());
  counted.finish();
  if (dtype == DType::boolean) check_booleans(tensor);
  return header.fortran_order && tensor.rank() > 1 ? row_major(tensor) : tensor;
}

std::string read_npy_text(ByteStream& stream) {
  Counted counted(stream);
  const NpyHeader header = read_npy_header(counted);
  const bool wide = header.descr.starts_with("<U");
  const uint64_t left = counted.left();
  if ((!wide && !header.descr.starts_with("|S")) || element_count(header.shape) != 1 || left > kLongestText * (wide ? 4 : 1))
    throw invalid_file("expected one short string, found " + header.descr.substr(0, 20) + " of shape " + to_string(header.shape));
  std::string bytes(left, '\0'), text;
  counted.read(bytes.data(), bytes.size());
  counted.finish();
  for (size_t i = 0; i < bytes.size() && bytes[i] != 0; i += wide ? 4 : 1) text += bytes[i];
  return text;
}

Tensor as_stored(const Tensor& tensor) {
  const DType type = stored_type(tensor.dtype());
  if (type == tensor.dtype()) return tensor;
  Tensor out(type, tensor.shape());
  const size_t bytes = out.byte_size();
  if (bytes != 0) std::memcpy(out.mutable_bytes(), tensor.bytes(), bytes);
  if (const int bits = bit_width(tensor.dtype()); bits < 8)  // held sign-extended: keep the bit pattern
    for (uint8_t& value : out.mutable_data<uint8_t>()) value &= static_cast<uint8_t>((1 << bits) - 1);
  return out;
}

std::string npy_prefix(const Tensor& tensor) { return header_bytes(code_of(stored_type(tensor.dtype())), tensor.shape()); }

std::string npy_text_bytes(std::string_view text) {
  std::string bytes = header_bytes("<U" + std::to_string(text.size()), {});
  for (const char c : text) bytes.append({c, 0, 0, 0});
  return bytes;
}

}  // namespace qtool
