// BackendConfig -> JSON, every default written out.

#include <nlohmann/json.hpp>

#include "base/shortest.h"
#include "config/backend.h"
#include "config/words.h"

namespace qtool {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const DTypeConstraint& constraint) {
  Json json{{"dtype", words::word_of(words::activation_types(), constraint.dtype)}};
  const auto add = [&](const char* key, const auto& value) {
    if (value) json[key] = *value;
  };
  add("quant_min_lower_bound", constraint.quant_min_lower_bound);
  add("quant_max_upper_bound", constraint.quant_max_upper_bound);
  add("scale_min_lower_bound", constraint.scale_min_lower_bound);
  add("scale_max_upper_bound", constraint.scale_max_upper_bound);
  add("scale_exact_match", constraint.scale_exact_match);
  add("zero_point_exact_match", constraint.zero_point_exact_match);
  return json;
}

Json json_of(const DTypeConfig& config) {
  Json json = Json::object();
  if (config.input) json["input"] = json_of(*config.input);
  if (config.output) json["output"] = json_of(*config.output);
  if (config.weight) json["weight"] = json_of(*config.weight);
  if (config.bias) json["bias"] = words::word_of(words::bias_types(), *config.bias);
  json["is_dynamic"] = config.is_dynamic;
  return json;
}

Json json_of(const BackendPattern& pattern) {
  Json configs = Json::array();
  for (const DTypeConfig& config : pattern.dtype_configs) configs.push_back(json_of(config));
  Json json{{"pattern", pattern.pattern},
            {"observation_type", name_of(pattern.observation)},
            {"dtype_configs", configs},
            {"root_module", pattern.root_module},
            {"fused_module", pattern.fused_module},
            {"fuser_method", pattern.fuser_method}};
  if (!pattern.replacement.empty()) json["replacement"] = pattern.replacement;
  return json;
}

Json json_of(const Placement& placement) {
  Json ranges = Json::object();
  for (const auto& [op, range] : placement.fixed_range)
    ranges[op] = Json::array({shortest_decimal(range.first), shortest_decimal(range.second)});
  Json json{{"placement", words::word_of(words::placements(), placement.placement)},
            {"relu_zp", words::word_of(words::relu_zero_points(), placement.relu_zp)},
            {"bias", words::word_of(words::biases(), placement.bias)},
            {"add_inputs", words::word_of(words::add_inputs(), placement.add_inputs)},
            {"constant_operands", words::word_of(words::constant_operands(), placement.constant_operands)},
            {"pass_through", placement.pass_through},
            {"share_scale", placement.share_scale},
            {"never_quantize", placement.never_quantize},
            {"fixed_range", ranges},
            {"opset_min", placement.opset_min},
            {"opset_max", placement.opset_max},
            {"max_weight_abs", placement.max_weight_abs},
            {"min_macs", placement.min_macs},
            {"min_channels", placement.min_channels}};
  if (placement.conv_epilogues) json["conv_epilogues"] = *placement.conv_epilogues;
  return json;
}

}  // namespace

std::string BackendConfig::to_json() const {
  Json rows = Json::array();
  for (const BackendPattern& pattern : patterns) rows.push_back(json_of(pattern));
  return Json{{"name", name}, {"patterns", rows}, {"placement", json_of(placement)}}.dump(1);
}

}  // namespace qtool
