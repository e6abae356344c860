#pragma once
// The files beside a model that hold its big tensors. They are mapped whole, once each, and never parsed.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "onnxio/proto.h"

namespace qtool::onnxio {

class ExternalData {
 public:
  /// nullopt: the model has no directory (stdin), so any use is an error; "" is the current directory.
  explicit ExternalData(std::optional<std::string> base_dir) : base_dir_(std::move(base_dir)) {}

  /// The bytes a tensor's external_data entries point to: exactly `needed`. Throws Error(invalid_file) when the location is not a
  /// regular file below the directory (links resolved) or the range does not fit.
  std::shared_ptr<Buffer> bytes(const onnx::TensorProto& tensor, size_t needed);

 private:
  const std::shared_ptr<Buffer>& file(const std::string& location);

  std::optional<std::string> base_dir_;
  std::map<std::string, std::shared_ptr<Buffer>> files_;
};

}  // namespace qtool::onnxio
