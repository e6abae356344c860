#include "config/embedded.h"

#include <algorithm>
#include <span>

#include "base/embedded_file.h"
#include "base/error.h"
#include "config/nearest.h"

namespace qtool {

std::span<const EmbeddedFile> embedded_configs();

namespace {

const EmbeddedFile* find(const std::string& path) {
  for (const EmbeddedFile& file : embedded_configs())
    if (file.path == path) return &file;
  return nullptr;
}

std::string path_of(std::string_view folder, std::string_view name) {
  return "configs/" + std::string(folder) + "/" + std::string(name) + ".json";
}

}  // namespace

std::string_view embedded_config(std::string_view path) {
  const EmbeddedFile* file = find("configs/" + std::string(path));
  if (!file) throw bug("no file configs/" + std::string(path) + " in the binary");
  return file->text;
}

std::vector<std::string> embedded_names(std::string_view folder, std::string_view first) {
  const std::string start = "configs/" + std::string(folder) + "/";
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_configs())
    if (file.path.starts_with(start)) names.emplace_back(file.path.substr(start.size(), file.path.size() - start.size() - 5));
  std::sort(names.begin(), names.end(),
            [&](const auto& a, const auto& b) { return (a != first) < (b != first) || ((a == first) == (b == first) && a < b); });
  return names;
}

bool is_built_in(std::string_view folder, std::string_view name) { return find(path_of(folder, name)) != nullptr; }

std::string_view built_in_text(std::string_view folder, std::string_view name) {
  if (const EmbeddedFile* file = find(path_of(folder, name))) return file->text;
  const auto names = embedded_names(folder);
  std::string all;
  for (const std::string& known : names) all += (all.empty() ? "" : ", ") + known;
  const std::string closest = nearest(name, names);
  throw usage_error("no file and no built-in " + std::string(folder) + " \"" + std::string(name) + "\"" +
                    (closest.empty() ? "" : ", did you mean \"" + closest + "\"?") + " (built in: " + all + ")");
}

}  // namespace qtool
