#pragma once
#include <string>

#include "tensor/tensor.h"

namespace qtool::onnxio {

/// A serialized ONNX TensorProto (`input_0.pb`); `name` receives its name. Throws Error(invalid_file) with the path in front.
Tensor load_tensor_file(const std::string& path, std::string* name = nullptr);
void save_tensor_file(const Tensor& tensor, const std::string& name, const std::string& path);

}  // namespace qtool::onnxio
