// Files and bytes -> Model.

#include <sys/stat.h>

#include <filesystem>
#include <limits>

#include "base/output_file.h"
#include "onnxio/function_codec.h"
#include "onnxio/model_reader.h"

namespace qtool::onnxio {
namespace {

using onnx::ModelProto;

Error not_a_model(const std::string& why) { return invalid_file("not an ONNX model (" + why + ")"); }

void parse_model(ModelProto& message, std::string_view bytes) {
  if (bytes.empty()) throw not_a_model("it is empty");
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    throw not_a_model("it has " + std::to_string(bytes.size()) + " bytes, more than protobuf's 2 GB");
  if (!parse_message(message, bytes)) throw not_a_model("it is cut short, or no protobuf message");
  if (!message.has_graph()) throw not_a_model("it holds no graph");
}

void read_header(ModelProto& message, Model& model) {
  model.ir_version = message.ir_version();
  if (model.ir_version != 0) message.clear_ir_version();
  model.opsets = opsets_of(message.opset_import());
  for (const auto& entry : message.metadata_props()) model.metadata.emplace_back(entry.key(), entry.value());
}

std::string directory_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

/// Bytes of a file: mapped when it is a regular one, read otherwise.
std::shared_ptr<Buffer> file_bytes(const std::string& path) {
  struct stat info {};
  if (path != "-" && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode))
    return Buffer::map_file(path, 0, static_cast<size_t>(info.st_size));
  auto owner = std::make_shared<std::string>(read_input(path));
  return Buffer::borrow(owner->data(), owner->size(), owner);
}

}  // namespace

Model read_model(ModelProto& message, std::optional<std::string> base_dir) {
  Model model;
  model.base_dir = base_dir.value_or("");
  read_header(message, model);
  FileContext file{ExternalData(std::move(base_dir)), ids_of(message), model.ir_version};
  GraphReader(file, *model.graph, nullptr).read(*message.mutable_graph());
  message.clear_graph();
  for (auto& function : *message.mutable_functions()) model.functions.push_back(read_function(function, file));
  message.clear_functions();
  check_calls(model);
  model.sealed = seal(message);
  return model;
}

Model parse(std::string_view bytes, const std::string& name, const std::string& base_dir) {
  return with_frame(name, [&] {
    ModelProto message;
    parse_model(message, bytes);
    return read_model(message, base_dir.empty() ? std::nullopt : std::optional(base_dir));
  });
}

Model load(const std::string& path, const LoadOptions& options) {
  ModelProto message;
  const std::string name = path == "-" ? "stdin" : path;
  with_frame(name, [&] {
    const auto bytes = file_bytes(path);
    parse_model(message, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  });
  std::optional<std::string> base_dir;
  if (!options.base_dir.empty())
    base_dir = options.base_dir;
  else if (path != "-")
    base_dir = directory_of(path);
  return with_frame(name, [&] { return read_model(message, std::move(base_dir)); });
}

}  // namespace qtool::onnxio
