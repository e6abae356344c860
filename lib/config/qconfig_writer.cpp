// QConfigMapping -> JSON, every default written out.

#include <nlohmann/json.hpp>

#include "base/shortest.h"
#include "config/qconfig.h"
#include "config/words.h"

namespace qtool {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ObserverSpec& spec) {
  if (!spec.quantizes()) return nullptr;
  Json json{{"observer", spec.observer},         {"dtype", words::word_of(words::activation_types(), spec.dtype)},
            {"qscheme", name_of(spec.qscheme)},  {"quant_min", spec.codes.lo},
            {"quant_max", spec.codes.hi},        {"reduce_range", spec.reduce_range},
            {"eps", shortest_decimal(spec.eps)}, {"ch_axis", spec.ch_axis},
            {"group_size", spec.group_size},     {"bins", spec.bins},
            {"percentile", spec.percentile},     {"averaging_constant", spec.averaging_constant},
            {"power_of_two", spec.power_of_two}};
  if (spec.scale) json["scale"] = shortest_decimal(*spec.scale);
  if (spec.zero_point) json["zero_point"] = *spec.zero_point;
  return json;
}

Json json_of(const QConfig* qconfig) {
  if (!qconfig) return nullptr;
  return {{"activation", json_of(qconfig->activation)}, {"weight", json_of(qconfig->weight)}};
}

}  // namespace

struct QConfigWriter {
  using Kind = QConfigMapping::RuleKind;

  static Json write(const QConfigMapping& mapping) {
    Json json = Json::object();
    for (const auto& rule : mapping.rules_) {
      const Json value = json_of(rule.qconfig.get());
      if (rule.kind == Kind::global) json["global"] = value;
      if (rule.kind == Kind::object_type) json["object_type"][rule.key] = value;
      if (rule.kind == Kind::module_name_regex) json["module_name_regex"].push_back(Json::array({rule.key, value}));
      if (rule.kind == Kind::module_name) json["module_name"][rule.key] = value;
      if (rule.kind == Kind::tensor) json["tensor"][rule.key] = value;
    }
    return json;
  }
};

std::string QConfigMapping::to_json() const { return QConfigWriter::write(*this).dump(1); }

}  // namespace qtool
