#include "config/qconfig.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.h"
#include "base/output_file.h"
#include "config/embedded.h"
#include "config/nearest.h"
#include "config/qconfig_reader.h"
#include "config/words.h"

namespace qtool {
namespace {

constexpr size_t kLongestMatchedName = 4096;  ///< longer node names match no regular expression

bool is_boundary(char c) { return c == '/' || c == '.' || c == ':'; }

std::string names_of_rules(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

bool covers(std::string_view prefix, std::string_view path) {
  if (prefix.empty() || !path.starts_with(prefix)) return false;
  return prefix.size() == path.size() || is_boundary(prefix.back()) || path[prefix.size()] == '/' || path[prefix.size()] == '.' ||
         path.substr(prefix.size(), 2) == "::";
}

bool ObserverSpec::operator==(const ObserverSpec& other) const {
  const auto meaning = [](const ObserverSpec& s) {
    return std::tie(s.observer, s.dtype, s.codes.lo, s.codes.hi, s.qscheme, s.reduce_range, s.eps, s.ch_axis, s.group_size, s.bins,
                    s.percentile, s.averaging_constant, s.scale, s.zero_point, s.power_of_two);
  };
  return meaning(*this) == meaning(other);
}

QConfigMapping QConfigMapping::parse(std::string_view json, std::string source) {
  Mistakes mistakes(std::move(source));
  const auto document = parse_document(json, mistakes);
  QConfigMapping mapping = QConfigReader::read(Cursor(document, mistakes));
  mistakes.throw_if_any();
  return mapping;
}

QConfigMapping QConfigMapping::built_in(std::string_view name) { return parse(built_in_text("qconfig", name), std::string(name)); }

QConfigMapping QConfigMapping::load(const std::string& name_or_path) {
  if (is_built_in("qconfig", name_or_path)) return built_in(name_or_path);
  if (name_or_path.find_first_of("/.") == std::string::npos) return built_in(name_or_path);  // throws, with the names there are
  return parse(read_input(name_or_path), name_or_path);
}

std::vector<std::string> QConfigMapping::built_in_names() { return embedded_names("qconfig", "x86"); }

QConfigChoice QConfigMapping::chosen(size_t index) const {
  matched_[index] = true;
  const Rule& rule = rules_[index];
  return {rule.qconfig.get(), text_of(rule)};
}

std::string QConfigMapping::text_of(const Rule& rule) {
  switch (rule.kind) {
    case RuleKind::module_name:
      return "module_name \"" + rule.key + "\"";
    case RuleKind::module_name_regex:
      return "module_name_regex \"" + rule.key + "\"";
    case RuleKind::object_type:
      return "object_type \"" + rule.key + "\"";
    case RuleKind::tensor:
      return "tensor \"" + rule.key + "\"";
    case RuleKind::global:
      break;
  }
  return "global";
}

std::optional<size_t> QConfigMapping::by_module_name(const std::string& path) const {
  std::optional<size_t> best;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].kind != RuleKind::module_name || !covers(rules_[i].key, path)) continue;
    if (!best || rules_[i].key.size() > rules_[*best].key.size()) best = i;
  }
  return best;
}

std::optional<size_t> QConfigMapping::by_regex(const std::string& path) const {
  if (path.size() > kLongestMatchedName) return std::nullopt;
  for (size_t i = 0; i < rules_.size(); ++i)
    if (rules_[i].kind == RuleKind::module_name_regex && std::regex_search(path, *static_cast<const std::regex*>(rules_[i].compiled.get())))
      return i;
  return std::nullopt;
}

std::optional<size_t> QConfigMapping::by_object_type(const std::vector<std::string>& object_types) const {
  for (const std::string& type : object_types)
    for (size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].kind == RuleKind::object_type && rules_[i].key == type) return i;
  return std::nullopt;
}

std::optional<size_t> QConfigMapping::global() const {
  for (size_t i = 0; i < rules_.size(); ++i)
    if (rules_[i].kind == RuleKind::global) return i;
  return std::nullopt;
}

std::optional<QConfigChoice> QConfigMapping::choose_by_name(const std::string& node_path) const {
  if (const auto rule = by_module_name(node_path)) return chosen(*rule);
  if (const auto rule = by_regex(node_path)) return chosen(*rule);
  return std::nullopt;
}

std::optional<QConfigChoice> QConfigMapping::choose_tensor(const std::vector<std::string>& names) const {
  for (size_t i = 0; i < rules_.size(); ++i)
    if (rules_[i].kind == RuleKind::tensor && std::find(names.begin(), names.end(), rules_[i].key) != names.end()) return chosen(i);
  return std::nullopt;
}

QConfigChoice QConfigMapping::choose(const std::string& node_path, const std::vector<std::string>& object_types) const {
  if (const auto choice = choose_by_name(node_path)) return *choice;
  if (const auto rule = by_object_type(object_types)) return chosen(*rule);
  if (const auto rule = global()) return chosen(*rule);
  return {nullptr, "no rule"};
}

std::vector<std::string> QConfigMapping::unmatched_rules() const {
  std::vector<std::string> result;
  for (size_t i = 0; i < rules_.size(); ++i)
    if (!matched_[i] && rules_[i].kind != RuleKind::global) result.push_back(text_of(rules_[i]) + " (" + rules_[i].where + ")");
  return result;
}

QConfigMapping QConfigMapping::with_activation_observer(const std::string& observer) const {
  std::vector<std::string> names;
  for (const auto& [name, kind] : words::observers())
    if (!kind.per_channel && name != "fixed_qparams" && name != "placeholder" && name != "none") names.emplace_back(name);
  if (std::find(names.begin(), names.end(), observer) == names.end()) {
    const std::string closest = nearest(observer, names);
    throw usage_error("observer \"" + observer + "\" is not one of " + names_of_rules(names) +
                      (closest.empty() ? "" : "; did you mean \"" + closest + "\"?"));
  }
  QConfigMapping changed = *this;
  for (Rule& rule : changed.rules_) {
    if (!rule.qconfig) continue;
    auto qconfig = std::make_shared<QConfig>(*rule.qconfig);
    ObserverSpec& activation = qconfig->activation;
    if (activation.quantizes() && !activation.dynamic() && activation.observer != "fixed_qparams") activation.observer = observer;
    rule.qconfig = qconfig;
  }
  return changed;
}

std::vector<const QConfig*> QConfigMapping::qconfigs() const {
  std::vector<const QConfig*> found;
  for (const Rule& rule : rules_)
    if (rule.qconfig) found.push_back(rule.qconfig.get());
  return found;
}

bool QConfigMapping::operator==(const QConfigMapping& other) const {
  return std::equal(rules_.begin(), rules_.end(), other.rules_.begin(), other.rules_.end(), [](const Rule& a, const Rule& b) {
    if (a.kind != b.kind || a.key != b.key || !a.qconfig != !b.qconfig) return false;
    return !a.qconfig || *a.qconfig == *b.qconfig;
  });
}

}  // namespace qtool
