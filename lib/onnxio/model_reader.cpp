// Files and bytes -> Model.

#include <fcntl.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <new>

#include "base/buffer.h"
#include "onnxio/function_codec.h"
#include "onnxio/model_reader.h"

namespace qtool::onnxio {
namespace {

using onnx::ModelProto;

Error not_a_model(const std::string& why) { return invalid_file("not an ONNX model (" + why + ")"); }

void require_size(size_t bytes) {
  if (bytes == 0) throw not_a_model("it is empty");
  if (bytes > static_cast<size_t>(std::numeric_limits<int>::max()))
    throw not_a_model("it has " + std::to_string(bytes) + " bytes, more than protobuf's 2 GB");
}

void require_model(bool parsed, const ModelProto& message) {
  if (!parsed) throw not_a_model("it is cut short, or no protobuf message");
  if (!message.has_graph()) throw not_a_model("it holds no graph");
}

/// A descriptor; stdin for "-".
struct InputFile {
  explicit InputFile(const std::string& path) : fd(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() {
    if (fd > STDIN_FILENO) close(fd);
  }
  const int fd;
};

/// Refuses before reading what cannot be a model. The size of a regular file, else 0.
size_t require_readable(int fd) {
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0) throw invalid_file(std::string("cannot open: ") + std::strerror(errno));
  if (S_ISDIR(info.st_mode)) throw invalid_file("is a directory, expected a file");
  if (!S_ISREG(info.st_mode) || fd == STDIN_FILENO) return 0;
  require_size(static_cast<size_t>(info.st_size));
  return static_cast<size_t>(info.st_size);
}

void parse_stream(ModelProto& message, int fd) {
  constexpr int kBlock = 1 << 20;
  google::protobuf::io::FileInputStream input(fd, kBlock);
  const bool parsed = parse_message(message, input);
  if (input.GetErrno() != 0) throw invalid_file(std::string("cannot read: ") + std::strerror(input.GetErrno()));
  require_size(static_cast<size_t>(input.ByteCount()));
  require_model(parsed, message);
}

void parse_file(ModelProto& message, const std::string& path) {
  const InputFile file(path);
  const size_t size = require_readable(file.fd);
  if (size == 0) return parse_stream(message, file.fd);
  const auto mapped = Buffer::map_file(path, 0, size);  // weights are then copied once, whole
  require_model(parse_message(message, {reinterpret_cast<const char*>(mapped->data()), size}), message);
}

void read_header(ModelProto& message, Model& model) {
  model.ir_version = message.ir_version();
  if (model.ir_version != 0) message.clear_ir_version();
  model.opsets = opsets_of(message.opset_import());
  for (const auto& entry : message.metadata_props()) model.metadata.emplace_back(entry.key(), entry.value());
}

std::string directory_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

/// `name` in front of errors; lack of memory (a limit on this process, or a file made to need it) is one.
template <class Read>
Model guarded(const std::string& name, Read&& read) {
  return with_frame(name, [&] {
    try {
      return read();
    } catch (const std::bad_alloc&) {
      throw invalid_file("reading it takes more memory than there is");
    }
  });
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
  return guarded(name, [&] {
    ModelProto message;
    require_size(bytes.size());
    require_model(parse_message(message, bytes), message);
    return read_model(message, base_dir.empty() ? std::nullopt : std::optional(base_dir));
  });
}

Model load(const std::string& path, const LoadOptions& options) {
  std::optional<std::string> base_dir;
  if (!options.base_dir.empty())
    base_dir = options.base_dir;
  else if (path != "-")
    base_dir = directory_of(path);
  return guarded(path == "-" ? "stdin" : path, [&] {
    ModelProto message;
    parse_file(message, path);
    return read_model(message, std::move(base_dir));
  });
}

}  // namespace qtool::onnxio
