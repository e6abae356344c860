#include "graph/model.h"

#include <algorithm>

namespace qtool {

Model::Model() : graph(std::make_unique<Graph>()) {}

int64_t Model::opset(const std::string& domain) const {
  for (const auto& [name, version] : opsets)
    if (name == domain || (domain.empty() && name == "ai.onnx")) return version;
  return domain.empty() && ir_version < 3 ? 1 : 0;
}

void Model::set_opset(const std::string& domain, int64_t version) {
  for (auto& [name, held] : opsets)
    if (name == domain || (domain.empty() && name == "ai.onnx")) {
      held = version;
      return;
    }
  opsets.emplace_back(domain, version);
}

const std::string* Model::find_metadata(const std::string& key) const {
  for (const auto& [name, value] : metadata)
    if (name == key) return &value;
  return nullptr;
}

void Model::set_metadata(const std::string& key, std::string value) {
  for (auto& [name, held] : metadata)
    if (name == key) {
      held = std::move(value);
      return;
    }
  metadata.emplace_back(key, std::move(value));
}

void Model::remove_metadata(const std::string& key) {
  std::erase_if(metadata, [&](const auto& entry) { return entry.first == key; });
}

Function* Model::find_function(const std::string& domain, const std::string& name, const std::string& overload) const {
  for (const auto& function : functions)
    if (function->name == name && function->domain == domain && function->overload == overload) return function.get();
  return nullptr;
}

Function& Model::function_of(const Node& node) const {
  Function* found = find_function(node.domain, node.op, node.overload);
  if (!found) throw bug("node \"" + node.path() + "\" calls " + node.target() + ", which the model does not have");
  return *found;
}

}  // namespace qtool
