#include "quantize/mode.h"

#include "base/error.h"

namespace qtool {
namespace {

constexpr std::pair<std::string_view, Mode> kModes[] = {
    {"static", Mode::static_range}, {"dynamic", Mode::dynamic}, {"weight-only", Mode::weight_only}};

std::optional<Mode> mode_of_rule(const QConfig& rule) {
  if (rule.activation.dynamic()) return Mode::dynamic;
  if (rule.activation.quantizes()) return Mode::static_range;
  if (rule.weight.quantizes()) return Mode::weight_only;
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Mode mode) {
  for (const auto& [name, value] : kModes)
    if (value == mode) return name;
  return "?";
}

std::optional<Mode> mode_named(std::string_view name) {
  for (const auto& [known, value] : kModes)
    if (known == name) return value;
  return std::nullopt;
}

Mode mode_of(const Model& prepared) {
  const std::string* name = prepared.find_metadata(kModeKey);
  if (!name) return Mode::static_range;
  const auto mode = mode_named(*name);
  if (!mode) throw invalid_file(std::string("metadata ") + kModeKey + ": \"" + *name + "\" is not one of static, dynamic, weight-only");
  return *mode;
}

std::optional<Mode> mode_of(const QConfigMapping& qconfig) {
  std::optional<Mode> all;
  for (const QConfig* rule : qconfig.qconfigs()) {
    const auto mode = mode_of_rule(*rule);
    if (!mode) continue;
    if (all && *all != *mode) return std::nullopt;
    all = mode;
  }
  return all;
}

}  // namespace qtool
