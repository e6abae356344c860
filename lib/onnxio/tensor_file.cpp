#include "onnxio/tensor_file.h"

#include "base/output_file.h"
#include "onnxio/tensor_codec.h"

namespace qtool::onnxio {

Tensor load_tensor_file(const std::string& path, std::string* name) {
  return with_frame(path, [&] {
    onnx::TensorProto message;
    if (!parse_message(message, read_input(path))) throw invalid_file("not an ONNX tensor (it is cut short, or no protobuf message)");
    if (name) *name = message.name();
    ExternalData nowhere(std::nullopt);
    Tensor tensor = decode_tensor(message, nowhere).tensor;
    if (!tensor.defined()) throw invalid_file("not an ONNX tensor (element type " + std::to_string(message.data_type()) + ")");
    return tensor;
  });
}

void save_tensor_file(const Tensor& tensor, const std::string& name, const std::string& path) {
  const SealedTensor held{tensor, nullptr, tensor.dtype() == DType::string ? TensorStorage::typed : TensorStorage::raw};
  onnx::TensorProto message = encode_tensor(held);
  if (!name.empty()) message.set_name(name);
  write_output(path, message.SerializeAsString());
}

}  // namespace qtool::onnxio
