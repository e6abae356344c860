#include "config/backend.h"

#include <nlohmann/json.hpp>

#include "base/output_file.h"
#include "config/backend_reader.h"
#include "config/embedded.h"

namespace qtool {

bool BackendPattern::operator==(const BackendPattern& other) const {
  return pattern == other.pattern && expressions == other.expressions && weight_rank == other.weight_rank &&
         observation == other.observation && dtype_configs == other.dtype_configs && root_module == other.root_module &&
         fused_module == other.fused_module && fuser_method == other.fuser_method && replacement == other.replacement;
}

BackendConfig BackendConfig::parse(std::string_view json, std::string source) {
  Mistakes mistakes(std::move(source));
  const auto document = parse_document(json, mistakes);
  BackendConfig backend = read_backend(Cursor(document, mistakes));
  mistakes.throw_if_any();
  return backend;
}

BackendConfig BackendConfig::built_in(std::string_view name) { return parse(built_in_text("backend", name), std::string(name)); }

BackendConfig BackendConfig::load(const std::string& name_or_path) {
  if (is_built_in("backend", name_or_path)) return built_in(name_or_path);
  if (name_or_path.find_first_of("/.") == std::string::npos) return built_in(name_or_path);  // throws, with the names there are
  return parse(read_input(name_or_path), name_or_path);
}

std::vector<std::string> BackendConfig::built_in_names() { return embedded_names("backend", "x86"); }

}  // namespace qtool
