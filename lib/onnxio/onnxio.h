#pragma once
// ONNX files <-> Model. The only folder that sees ONNX protobuf.

#include <string>
#include <string_view>

#include "graph/model.h"

namespace qtool::onnxio {

/// Inline weights up to this many bytes in all; above, a sidecar is written.
inline constexpr size_t kInlineLimit = size_t{1800} << 20;

struct LoadOptions {
  std::string base_dir;  ///< of external data for a model read from stdin; "" = the model's own directory, error for stdin
};

/// Reads a model; "-" is stdin. Weights of external data are mapped. save(load(file)) is the same message.
/// Throws Error(invalid_file) with the file in front: truncated, cyclic, missing inputs, paths that leave the directory, ...
Model load(const std::string& path, const LoadOptions& options = {});
Model parse(std::string_view bytes, const std::string& name = "model", const std::string& base_dir = "");

struct SaveOptions {
  bool external_data = false;  ///< force a sidecar
};

/// Writes atomically; "-" is stdout. Above kInlineLimit (or with external_data) weights go to `PATH.data`, written first and
/// renamed before the model; for "-" that is Error(usage).
void save(const Model& model, const std::string& path, const SaveOptions& options = {});
std::string serialize(const Model& model);  ///< inline; deterministic bytes

/// A model in ONNX's text syntax (onnx::OnnxParser), for tests and testdata.
Model parse_text(const std::string& text);

/// SHA-256 of the serialized model, external data included.
std::string digest(const Model& model);

}  // namespace qtool::onnxio
