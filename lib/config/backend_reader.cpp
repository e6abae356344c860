#include "config/backend_reader.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "config/modules.h"
#include "config/nearest.h"
#include "config/words.h"
#include "graph/pattern.h"
#include "graph/pattern_node.h"

namespace qtool {
namespace {

constexpr int64_t kAnyCode = int64_t{1} << 32;
constexpr double kAnyScale = 1e30;

using NamedConfigs = std::map<std::string, DTypeConfig>;

/// Reads an optional field with one of Cursor's readers.
template <class T, class Read>
std::optional<T> optional_field(Cursor cursor, Read&& read) {
  if (cursor.absent() || cursor.is_null()) return std::nullopt;
  return static_cast<T>(read(cursor));
}

/// An exact value that the bounds beside it exclude.
template <class T>
void outside(Cursor cursor, const std::optional<T>& exact, const std::optional<T>& lo, const std::optional<T>& hi) {
  if (!exact || !((lo && *exact < *lo) || (hi && *exact > *hi))) return;
  const auto text = [](const std::optional<T>& bound) { return bound ? number_text(static_cast<double>(*bound)) : std::string(); };
  cursor.mistake(number_text(static_cast<double>(*exact)) + " contradicts the bounds beside it, " + text(lo) + ".." + text(hi));
}

std::optional<DTypeConstraint> read_constraint(Cursor cursor) {
  if (cursor.absent() || cursor.is_null()) return std::nullopt;
  DTypeConstraint constraint;
  if (cursor.is_string()) {  // short for {"dtype": ...}
    constraint.dtype = cursor.one_of(words::activation_types());
    return constraint;
  }
  if (!cursor.is_object()) {
    cursor.not_a("a type or an object");
    return constraint;
  }
  const auto code = [](Cursor& c) { return c.integer(-kAnyCode, kAnyCode); };
  const auto scale = [](Cursor& c) { return c.number(0, kAnyScale); };
  constraint.dtype = cursor["dtype"].one_of(words::activation_types());
  constraint.quant_min_lower_bound = optional_field<int64_t>(cursor["quant_min_lower_bound"], code);
  constraint.quant_max_upper_bound = optional_field<int64_t>(cursor["quant_max_upper_bound"], code);
  constraint.scale_min_lower_bound = optional_field<double>(cursor["scale_min_lower_bound"], scale);
  constraint.scale_max_upper_bound = optional_field<double>(cursor["scale_max_upper_bound"], scale);
  constraint.scale_exact_match = optional_field<double>(cursor["scale_exact_match"], scale);
  constraint.zero_point_exact_match = optional_field<int64_t>(cursor["zero_point_exact_match"], code);
  const auto lo = constraint.quant_min_lower_bound, hi = constraint.quant_max_upper_bound;
  if (lo && hi && *lo >= *hi)
    cursor.mistake("quant_min_lower_bound " + std::to_string(*lo) + " is not below quant_max_upper_bound " + std::to_string(*hi));
  const auto least = constraint.scale_min_lower_bound, most = constraint.scale_max_upper_bound;
  if (least && most && *least > *most)
    cursor.mistake("scale_min_lower_bound " + number_text(*least) + " is above scale_max_upper_bound " + number_text(*most));
  outside(cursor["scale_exact_match"], constraint.scale_exact_match, least, most);
  outside(cursor["zero_point_exact_match"], constraint.zero_point_exact_match, lo, hi);
  cursor.finish();
  return constraint;
}

DTypeConfig read_dtype_config(Cursor cursor) {
  DTypeConfig config;
  if (!cursor.is_object()) cursor.not_a("an object");
  config.input = read_constraint(cursor["input"]);
  config.output = read_constraint(cursor["output"]);
  config.weight = read_constraint(cursor["weight"]);
  config.bias = optional_field<DType>(cursor["bias"], [](Cursor& c) { return c.one_of(words::bias_types()); });
  config.is_dynamic = cursor["is_dynamic"].boolean(false);
  cursor.finish();
  return config;
}

/// A name of the file's "dtype_configs", or the object itself.
void add_dtype_config(Cursor cursor, const NamedConfigs& named, std::vector<DTypeConfig>& configs) {
  if (!cursor.is_string()) return configs.push_back(read_dtype_config(cursor));
  const std::string name = cursor.string();
  const auto found = named.find(name);
  if (found != named.end()) return configs.push_back(found->second);
  std::vector<std::string> names;
  for (const auto& [known, config] : named) names.push_back(known);
  const std::string closest = nearest(name, names);
  cursor.mistake("\"" + name + "\" is not in /dtype_configs" + (closest.empty() ? "" : ", did you mean \"" + closest + "\"?"));
}

/// An expression, or a list of operators first to last.
void read_expression(Cursor cursor, BackendPattern& pattern) {
  if (cursor.is_array()) {
    const auto operators = cursor.strings();
    if (operators.empty()) return cursor.mistake("the list of operators is empty");
    pattern.pattern = Pattern::chain(operators);
  } else {
    pattern.pattern = cursor.string();
    if (pattern.pattern.empty()) return;
  }
  try {
    const ExpandedPattern expanded = expand_modules(pattern.pattern);
    for (const std::string& expression : expanded.expressions) Pattern::parse(expression);
    pattern.expressions = expanded.expressions;
    pattern.weight_rank = expanded.weight_rank;
  } catch (const Error& error) {
    cursor.mistake(error.what());
  }
}

/// A call in the language of patterns.
std::string read_replacement(Cursor cursor) {
  const std::string text = cursor.string("");
  if (text.empty()) return text;
  try {
    Pattern::parse(text);
  } catch (const Error& error) {
    cursor.mistake(error.what());
  }
  return text;
}

void add_operators(const PatternNode& node, std::vector<std::string>& operators) {
  operators.insert(operators.end(), node.operators.begin(), node.operators.end());
  for (const PatternNodePtr& arg : node.args) add_operators(*arg, operators);
}

/// What stands for a match is one of its operators, a module, or what the exploded operator is called.
void check_root(Cursor cursor, const BackendPattern& pattern, const std::string& fused_module) {
  std::vector<std::string> operators;
  for (const std::string& expression : pattern.expressions) add_operators(Pattern::parse(expression).root(), operators);
  const bool known = std::find(operators.begin(), operators.end(), pattern.root_module) != operators.end();
  if (pattern.root_module.empty() || operators.empty() || known || pattern.root_module == fused_module || module_named(pattern.root_module))
    return;
  std::string all;
  for (auto at = operators.begin(); at != operators.end(); ++at)
    if (std::find(operators.begin(), at, *at) == at) all += (all.empty() ? "" : ", ") + *at;
  cursor.mistake("\"" + pattern.root_module + "\" is not one of the pattern's operators (" + all + "), and no module");
}

BackendPattern read_pattern(Cursor cursor, const NamedConfigs& named) {
  BackendPattern pattern;
  pattern.where = cursor.where();
  if (!cursor.is_object()) {
    cursor.not_a("an object");
    return pattern;
  }
  read_expression(cursor["pattern"], pattern);
  pattern.observation = cursor["observation_type"].one_of(words::observation_types(), std::optional(pattern.observation));
  for (Cursor& config : cursor["dtype_configs"].elements()) add_dtype_config(config, named, pattern.dtype_configs);
  pattern.root_module = cursor["root_module"].string("");
  check_root(cursor["root_module"], pattern, cursor["fused_module"].string(""));
  pattern.fused_module = cursor["fused_module"].string("");
  pattern.fuser_method = cursor["fuser_method"].one_of(words::fuser_methods(), std::optional<std::string_view>("none"));
  pattern.replacement = read_replacement(cursor["replacement"]);
  cursor["description"];
  cursor.finish();
  return pattern;
}

/// A group's name becomes the name of a function of the model.
void check_fused_name(Cursor cursor) {
  const std::string name = cursor.string("");
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  if (!plain) cursor.mistake("\"" + name + "\" is not a name of letters, digits and _");
}

std::map<std::string, std::pair<float, float>> read_ranges(Cursor cursor) {
  std::map<std::string, std::pair<float, float>> ranges;
  for (auto& [op, value] : cursor.members()) {
    auto ends = value.elements();
    if (ends.size() != 2) {
      if (value.is_array()) value.mistake("an array of " + std::to_string(ends.size()) + " is not [low, high]");
      continue;
    }
    const double lo = ends[0].number(-kAnyScale, kAnyScale), hi = ends[1].number(-kAnyScale, kAnyScale);
    if (lo >= hi) value.mistake("the low end is not below the high end");
    ranges[op] = {static_cast<float>(lo), static_cast<float>(hi)};
  }
  return ranges;
}

}  // namespace

Placement read_placement(Cursor cursor) {
  Placement placement;
  if (!cursor.absent() && !cursor.is_object()) cursor.not_a("an object");
  placement.placement = cursor["placement"].one_of(words::placements(), std::optional(placement.placement));
  placement.relu_zp = cursor["relu_zp"].one_of(words::relu_zero_points(), std::optional(placement.relu_zp));
  placement.bias = cursor["bias"].one_of(words::biases(), std::optional(placement.bias));
  placement.add_inputs = cursor["add_inputs"].one_of(words::add_inputs(), std::optional(placement.add_inputs));
  placement.constant_operands = cursor["constant_operands"].one_of(words::constant_operands(), std::optional(placement.constant_operands));
  if (Cursor epilogues = cursor["conv_epilogues"]; !epilogues.absent()) placement.conv_epilogues = epilogues.strings();
  placement.pass_through = cursor["pass_through"].strings();
  placement.share_scale = cursor["share_scale"].strings();
  placement.never_quantize = cursor["never_quantize"].strings();
  placement.fixed_range = read_ranges(cursor["fixed_range"]);
  placement.opset_min = static_cast<int>(cursor["opset_min"].integer(7, 1000, placement.opset_min));
  placement.opset_max = static_cast<int>(cursor["opset_max"].integer(0, 1000, placement.opset_max));
  if (placement.opset_max && placement.opset_max < placement.opset_min) cursor.mistake("opset_min is above opset_max");
  placement.max_weight_abs = static_cast<int>(cursor["max_weight_abs"].integer(0, 32767, 0));
  placement.min_macs = cursor["min_macs"].integer(0, INT64_MAX, 0);
  placement.min_channels = cursor["min_channels"].integer(0, INT64_MAX, 0);
  cursor.finish();
  return placement;
}

BackendConfig read_backend(Cursor root) {
  BackendConfig backend;
  if (!root.is_object()) root.not_a("a backend, which is an object");
  root["$schema"], root["description"];
  backend.name = root["name"].string();
  NamedConfigs named;
  for (auto& [name, config] : root["dtype_configs"].members()) named[name] = read_dtype_config(config);
  Cursor patterns = root["patterns"];
  if (patterns.absent()) patterns.mistake("missing");
  for (Cursor& pattern : patterns.elements()) {
    check_fused_name(Cursor(pattern)["fused_module"]);
    backend.patterns.push_back(read_pattern(pattern, named));
  }
  backend.placement = read_placement(root["placement"]);
  root.finish();
  return backend;
}

}  // namespace qtool
