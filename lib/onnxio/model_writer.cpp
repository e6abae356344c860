// Model -> bytes and files.

#include <filesystem>
#include <limits>

#include "base/output_file.h"
#include "base/sha256.h"
#include "onnxio/function_codec.h"
#include "onnxio/graph_writer.h"
#include "onnxio/onnxio.h"
#include "onnxio/packing.h"
#include "onnxio/pieces.h"
#include "onnxio/tensor_codec.h"

namespace qtool::onnxio {
namespace {

using onnx::ModelProto;

void write_metadata(ModelProto& message, const Model& model) {
  std::vector<std::pair<std::string, std::string>> held;
  for (const auto& entry : message.metadata_props()) held.emplace_back(entry.key(), entry.value());
  if (held == model.metadata) return;
  message.clear_metadata_props();
  for (const auto& [key, value] : model.metadata) {
    auto& entry = *message.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
}

/// The model but for its graph.
ModelProto write_header(const Model& model, const GraphWriter& writer) {
  auto message = unseal<ModelProto>(model.sealed);
  if (model.ir_version != 0) message.set_ir_version(model.ir_version);
  write_opsets(*message.mutable_opset_import(), model.opsets);
  write_metadata(message, model);
  for (const auto& function : model.functions) *message.add_functions() = write_function(*function, writer);
  return message;
}

/// GraphProto.initializer of one weight.
Pieces weight_pieces(const GraphWriter& writer, const GraphWriter::NamedWeight& weight) {
  bool raw = false;
  const onnx::TensorProto head = writer.write_weight(weight, raw);
  Pieces tensor;
  tensor.add(head.SerializeAsString());
  if (raw) {
    Pieces elements;
    elements.add_elements(weight.second->tensor);
    tensor.add(field_start(onnx::TensorProto::kRawDataFieldNumber, elements.size()));
    tensor.add(std::move(elements));
  }
  Pieces field;
  field.add(field_start(onnx::GraphProto::kInitializerFieldNumber, tensor.size()));
  field.add(std::move(tensor));
  return field;
}

Pieces model_pieces(const Model& model, Sidecar* sidecar) {
  const GraphWriter writer(model.ir_version, sidecar);
  Pieces whole;
  whole.add(write_header(model, writer).SerializeAsString());
  std::vector<GraphWriter::NamedWeight> weights;
  Pieces graph;
  graph.add(writer.write_head(*model.graph, weights).SerializeAsString());
  for (const auto& weight : weights) graph.add(weight_pieces(writer, weight));
  whole.add(field_start(ModelProto::kGraphFieldNumber, graph.size()));
  whole.add(std::move(graph));
  return whole;
}

size_t bytes_of(const SealedTensor& tensor) {
  return tensor.tensor.defined() ? file_bytes(tensor.tensor.dtype(), static_cast<size_t>(tensor.tensor.size())) : 0;
}

size_t weight_bytes(const Model& model) {
  size_t total = 0;
  for_each_graph(*model.graph, [&](const Graph& graph) {
    for (const Node& node : graph.nodes())
      if (node.weight) total += bytes_of(*node.weight);
  });
  return total;
}

void require_message_size(const Pieces& model) {
  if (model.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    throw unsupported("the model takes " + std::to_string(model.size()) + " bytes, more than protobuf's 2 GB, even without its weights");
}

void write(OutputFile& file, const Pieces& pieces) {
  pieces.for_each([&](std::string_view bytes) { file.write(bytes); });
}

/// Both files whole under temporary names before either is renamed, the sidecar first.
void save_with_sidecar(const Model& model, const std::string& path) {
  Sidecar sidecar(std::filesystem::path(path).filename().string() + ".data");
  const Pieces pieces = model_pieces(model, &sidecar);
  require_message_size(pieces);
  OutputFile model_file(path);
  write(model_file, pieces);
  if (sidecar.content().size() != 0) {
    OutputFile data_file(path + ".data");
    write(data_file, sidecar.content());
    data_file.commit();
  }
  model_file.commit();
}

}  // namespace

std::string serialize(const Model& model) {
  const Pieces pieces = model_pieces(model, nullptr);
  std::string bytes;
  bytes.reserve(pieces.size());
  pieces.for_each([&](std::string_view piece) { bytes += piece; });
  return bytes;
}

void save(const Model& model, const std::string& path, const SaveOptions& options) {
  const bool external = options.external_data || weight_bytes(model) > kInlineLimit;
  if (external && path == "-") throw usage_error("-o -: a model with external data cannot go to stdout, name a file");
  if (external) return save_with_sidecar(model, path);
  const Pieces pieces = model_pieces(model, nullptr);
  require_message_size(pieces);
  OutputFile file(path);
  write(file, pieces);
  file.commit();
}

std::string digest(const Model& model) {
  Sha256 hash;
  model_pieces(model, nullptr).for_each([&](std::string_view bytes) { hash.update(bytes); });
  return hash.hex();
}

}  // namespace qtool::onnxio
