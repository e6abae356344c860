#include "onnxio/external_data.h"

#include <charconv>
#include <filesystem>

namespace qtool::onnxio {
namespace {

namespace fs = std::filesystem;

const std::string* entry(const onnx::TensorProto& tensor, const std::string& key) {
  for (const auto& candidate : tensor.external_data())
    if (candidate.key() == key) return &candidate.value();
  return nullptr;
}

std::optional<size_t> number(const onnx::TensorProto& tensor, const std::string& key) {
  const std::string* text = entry(tensor, key);
  if (!text) return std::nullopt;
  size_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end) throw invalid_file("external data: " + key + " \"" + *text + "\" is not a size in bytes");
  return value;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  auto at = path.begin();
  for (const fs::path& part : folder) {
    if (part.empty()) continue;  // a trailing slash
    if (at == path.end() || *at != part) return false;
    ++at;
  }
  return true;
}

/// The file a location names, after the checks that a hostile one fails.
std::string locate(const std::string& base_dir, const std::string& location) {
  const std::string shown = "external data file \"" + location + "\"";
  const fs::path relative(location);
  if (relative.empty()) throw invalid_file("external data has no location");
  if (location.find('\0') != std::string::npos) throw invalid_file("external data: the location holds a zero byte");
  if (relative.is_absolute()) throw invalid_file(shown + " is an absolute path, expected one below the model's directory");
  for (const fs::path& part : relative)
    if (part == "..") throw invalid_file(shown + " leaves the model's directory");
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(base_dir.empty() ? fs::path(".") : fs::path(base_dir), error);
  const fs::path target = error ? fs::path() : fs::weakly_canonical(folder / relative, error);
  if (error) throw invalid_file(shown + ": " + error.message());
  if (!is_below(target, folder)) throw invalid_file(shown + " leaves the model's directory through a link");
  if (!fs::exists(target, error)) throw invalid_file(shown + " is missing in " + folder.string());
  if (!fs::is_regular_file(target, error)) throw invalid_file(shown + " is not a regular file");
  return target.string();
}

}  // namespace

const std::shared_ptr<Buffer>& ExternalData::file(const std::string& location) {
  const auto found = files_.find(location);
  if (found != files_.end()) return found->second;
  if (!base_dir_) throw invalid_file("external data file \"" + location + "\": a model from stdin has no directory, give --base-dir");
  const std::string path = locate(*base_dir_, location);
  return files_.emplace(location, Buffer::map_file(path, 0, fs::file_size(path))).first->second;
}

std::shared_ptr<Buffer> ExternalData::bytes(const onnx::TensorProto& tensor, size_t needed) {
  const std::string* location = entry(tensor, "location");
  if (!location) throw invalid_file("external data has no location");
  const size_t offset = number(tensor, "offset").value_or(0);
  const size_t length = number(tensor, "length").value_or(needed);
  if (length != needed)
    throw invalid_file("external data: length is " + std::to_string(length) + " bytes, expected " + std::to_string(needed));
  const std::shared_ptr<Buffer>& whole = file(*location);
  if (offset > whole->size() || needed > whole->size() - offset)
    throw invalid_file("external data file \"" + *location + "\" has " + std::to_string(whole->size()) + " bytes, expected " +
                       std::to_string(needed) + " at offset " + std::to_string(offset));
  return Buffer::borrow(whole->data() + offset, needed, whole);
}

}  // namespace qtool::onnxio
