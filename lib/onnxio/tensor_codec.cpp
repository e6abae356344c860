#include "onnxio/tensor_codec.h"

#include <algorithm>

#include "onnxio/packing.h"
#include "onnxio/typed_data.h"

namespace qtool::onnxio {
namespace {

/// No tensor of a file may have more elements; keeps sizes in bytes far from overflow.
constexpr int64_t kMaxElements = int64_t{1} << 48;

bool holdable(const onnx::TensorProto& tensor) {
  const int code = tensor.data_type();
  const bool known = code > static_cast<int>(DType::undefined) && code <= static_cast<int>(DType::int2);
  return known && !tensor.has_segment();
}

Shape shape_of(const onnx::TensorProto& tensor) {
  const Shape shape(tensor.dims().begin(), tensor.dims().end());
  for (const int64_t dim : shape)
    if (dim < 0) throw invalid_file("dimension " + std::to_string(dim) + " is negative");
  if (element_count(shape) > kMaxElements) throw invalid_file("shape " + to_string(shape) + " is too large");
  return shape;
}

/// What is decoded now: checked dims and the size they ask for.
struct Wanted {
  DType dtype;
  Shape shape;
  size_t count;
  std::string text() const { return to_string(shape) + " " + std::string(name_of(dtype)); }
};

bool has_odd_bool(const std::byte* bytes, size_t count) {
  return std::any_of(bytes, bytes + count, [](std::byte b) { return b > std::byte{1}; });
}

/// Bytes of a file as a tensor: in place where type and alignment allow it.
Tensor from_raw(const Wanted& wanted, std::shared_ptr<Buffer> bytes) {
  if (is_packed(wanted.dtype)) {
    Tensor tensor(wanted.dtype, wanted.shape);
    unpack(wanted.dtype, bytes->data(), wanted.count, tensor.mutable_bytes());
    return tensor;
  }
  if (wanted.dtype == DType::boolean && has_odd_bool(bytes->data(), wanted.count)) throw invalid_file("a bool is neither 0 nor 1");
  const bool aligned = reinterpret_cast<uintptr_t>(bytes->data()) % std::min<size_t>(element_size(wanted.dtype), 8) == 0;
  if (aligned || bytes->size() == 0) return {wanted.dtype, wanted.shape, std::move(bytes)};
  auto copy = Buffer::allocate(bytes->size());
  std::copy_n(bytes->data(), bytes->size(), copy->mutable_data());
  return {wanted.dtype, wanted.shape, std::move(copy)};
}

Tensor take_raw(onnx::TensorProto& tensor, const Wanted& wanted) {
  const size_t needed = file_bytes(wanted.dtype, wanted.count);
  if (wanted.dtype == DType::string) throw invalid_file("strings in raw_data, expected them in string_data");
  if (tensor.raw_data().size() != needed)
    throw invalid_file("raw_data holds " + std::to_string(tensor.raw_data().size()) + " bytes, " + wanted.text() + " needs " +
                       std::to_string(needed));
  if (needed == 0) return {wanted.dtype, wanted.shape};  // an empty raw_data stays, so that its presence survives
  auto owner = std::make_shared<const std::string>(std::move(*tensor.mutable_raw_data()));
  tensor.clear_raw_data();
  return from_raw(wanted, Buffer::borrow(owner->data(), owner->size(), owner));
}

Tensor take_external(onnx::TensorProto& tensor, const Wanted& wanted, ExternalData& external) {
  if (wanted.dtype == DType::string) throw invalid_file("strings in external data, expected them in string_data");
  Tensor taken = from_raw(wanted, external.bytes(tensor, file_bytes(wanted.dtype, wanted.count)));
  tensor.clear_external_data();
  tensor.clear_data_location();
  return taken;
}

bool is_external(const onnx::TensorProto& tensor) { return tensor.data_location() == onnx::TensorProto::EXTERNAL; }

void require_one_place(const onnx::TensorProto& tensor) {
  const std::string typed = filled_fields(tensor);
  const bool raw = !tensor.raw_data().empty();
  if (raw && !typed.empty()) throw invalid_file("elements in both raw_data and " + typed);
  if (is_external(tensor) && (raw || !typed.empty())) throw invalid_file("elements in both the model and external data");
}

}  // namespace

SealedTensor decode_tensor(onnx::TensorProto& tensor, ExternalData& external) {
  if (!holdable(tensor)) return {Tensor(), seal(tensor), TensorStorage::raw};
  require_one_place(tensor);
  Wanted wanted{static_cast<DType>(tensor.data_type()), shape_of(tensor), 0};
  wanted.count = static_cast<size_t>(element_count(wanted.shape));
  SealedTensor decoded;
  if (is_external(tensor)) {
    decoded.storage = TensorStorage::external;
    decoded.tensor = take_external(tensor, wanted, external);
  } else if (!filled_fields(tensor).empty() || (wanted.dtype == DType::string && !tensor.has_raw_data())) {
    decoded.storage = TensorStorage::typed;
    decoded.tensor = take_typed(tensor, wanted.dtype, wanted.shape);
  } else {
    decoded.tensor = take_raw(tensor, wanted);
  }
  tensor.clear_dims();
  tensor.clear_data_type();
  decoded.sealed = seal(tensor);
  return decoded;
}

onnx::TensorProto tensor_head(const SealedTensor& tensor) {
  auto head = unseal<onnx::TensorProto>(tensor.sealed);
  if (!tensor.tensor.defined()) return head;
  head.set_data_type(static_cast<int>(tensor.tensor.dtype()));
  head.mutable_dims()->Assign(tensor.tensor.shape().begin(), tensor.tensor.shape().end());
  return head;
}

bool writes_raw(const SealedTensor& tensor) {
  return tensor.tensor.defined() && tensor.tensor.dtype() != DType::string && tensor.storage != TensorStorage::typed;
}

std::string_view raw_bytes(const Tensor& tensor, std::string& packed) {
  const auto count = static_cast<size_t>(tensor.size());
  if (!is_packed(tensor.dtype())) return {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size()};
  packed = pack(tensor.dtype(), tensor.bytes(), count);
  return packed;
}

onnx::TensorProto encode_tensor(const SealedTensor& tensor) {
  onnx::TensorProto message = tensor_head(tensor);
  if (!tensor.tensor.defined()) return message;
  if (!writes_raw(tensor)) {
    write_typed(message, tensor.tensor);
    return message;
  }
  std::string packed;
  const std::string_view bytes = raw_bytes(tensor.tensor, packed);
  if (!bytes.empty()) message.set_raw_data(bytes.data(), bytes.size());
  return message;
}

}  // namespace qtool::onnxio
