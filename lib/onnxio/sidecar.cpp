#include "onnxio/sidecar.h"

#include "onnxio/packing.h"

namespace qtool::onnxio {
namespace {

constexpr size_t kSmallest = 1024, kPage = 4096;

void add_entry(onnx::TensorProto& head, const char* key, const std::string& value) {
  auto& entry = *head.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

}  // namespace

bool Sidecar::place(const Tensor& tensor, onnx::TensorProto& head) {
  if (!tensor.defined() || tensor.dtype() == DType::string) return false;
  const size_t bytes = file_bytes(tensor.dtype(), static_cast<size_t>(tensor.size()));
  if (bytes < kSmallest) return false;
  const size_t alignment = bytes < kPage ? kBufferAlignment : kPage;
  content_.add(std::string((alignment - content_.size() % alignment) % alignment, '\0'));
  head.clear_external_data();
  add_entry(head, "location", location_);
  add_entry(head, "offset", std::to_string(content_.size()));
  add_entry(head, "length", std::to_string(bytes));
  head.set_data_location(onnx::TensorProto::EXTERNAL);
  content_.add_elements(tensor);
  return true;
}

}  // namespace qtool::onnxio
