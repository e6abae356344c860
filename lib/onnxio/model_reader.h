#pragma once
#include <optional>
#include <string>

#include "onnxio/onnxio.h"
#include "onnxio/proto.h"

namespace qtool::onnxio {

/// Takes a message apart. `base_dir` nullopt: external data is an error; "" is the current directory.
Model read_model(onnx::ModelProto& message, std::optional<std::string> base_dir);

}  // namespace qtool::onnxio
