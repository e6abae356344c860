#pragma once
// The file of external data written beside a model.

#include <string>

#include "onnxio/pieces.h"
#include "onnxio/proto.h"

namespace qtool::onnxio {

class Sidecar {
 public:
  /// `location`: the name the model calls the file by.
  explicit Sidecar(std::string location) : location_(std::move(location)) {}

  /// Gives the elements a place, at a multiple of 64 bytes (of 4096 when they fill a page, so that they can be mapped alone), and
  /// notes it in `head`. False, and nothing noted, for tensors too small to be worth it.
  bool place(const Tensor& tensor, onnx::TensorProto& head);
  const Pieces& content() const { return content_; }

 private:
  std::string location_;
  Pieces content_;
};

}  // namespace qtool::onnxio
