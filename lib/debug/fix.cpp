#include "debug/fix.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/qconfig.h"
#include "observe/range.h"
#include "quantize/prepare.h"

namespace qtool::debug {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& source, const std::string& where, const std::string& what) {
  throw invalid_file(source + ": " + where + ": " + what);
}

Flag flag_of(const Json& node, const std::string& source, const std::string& where) {
  Flag flag;
  if (const auto at = node.find("float"); at != node.end()) {
    if (!at->is_boolean()) refuse(source, where + "/float", "true or false expected");
    flag.to_float = at->get<bool>();
  }
  if (const auto at = node.find("observer"); at != node.end() && !at->is_null()) {
    if (!at->is_string() || !range_rule(at->get<std::string>()))
      refuse(source, where + "/observer", "the name of a range rule, or null, expected");
    flag.observer = at->get<std::string>();
  }
  return flag;
}

bool is_editable(const Json& node) {
  const auto at = node.find("editable");
  return at != node.end() && at->is_boolean() && at->get<bool>();
}

/// The rule that holds for operators of this type below module names: what the new entry changes.
Json activation_of(const Json& mapping, const std::string& op) {
  for (const Json& holder : {mapping.value("object_type", Json::object()).value(op, Json()), mapping.value("global", Json())})
    if (holder.is_object() && holder.contains("activation") && holder["activation"].is_object()) return holder["activation"];
  return Json::object();
}

Json entry_of(const Json& mapping, const NodeReport& node) {
  if (node.to_float) return nullptr;
  Json activation = activation_of(mapping, node.op);
  activation["observer"] = node.observer;
  return {{"activation", std::move(activation)}};
}

std::string description_of(const Report& report) {
  if (!report.expected_gain) return "from qtool debug";
  char text[96];
  std::snprintf(text, sizeof(text), "from qtool debug: expected to take away %.0f %% of the output error", 100 * *report.expected_gain);
  return text;
}

}  // namespace

Flags flags_of(const std::string& text, const std::string& source) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("nodes") || !json["nodes"].is_array())
    refuse(source, "/nodes", "a report of qtool debug expected");
  Flags flags;
  for (size_t i = 0; i < json["nodes"].size(); ++i) {
    const Json& node = json["nodes"][i];
    const std::string where = "/nodes/" + std::to_string(i);
    if (!node.is_object() || !node.contains("name") || !node["name"].is_string()) refuse(source, where, "a node with a name expected");
    if (is_editable(node)) flags[node["name"].get<std::string>()] = flag_of(node, source, where);
  }
  return flags;
}

std::string qconfig_with(const Report& report, const Model& int8) {
  const std::string* stored = int8.find_metadata(kQConfigKey);
  Json mapping = Json::parse(stored ? *stored : QConfigMapping::built_in("x86").to_json());
  Json result{{"description", description_of(report)}};
  for (const auto& [key, value] : mapping.items())
    if (key != "description") result[key] = value;
  for (const NodeReport& node : report.nodes)
    if (node.to_float || !node.observer.empty()) result["module_name"][node.name] = entry_of(mapping, node);
  return result.dump(2) + "\n";
}

}  // namespace qtool::debug
