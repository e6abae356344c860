#include "config/qconfig_reader.h"

#include <algorithm>
#include <limits>
#include <regex>

#include "base/shortest.h"
#include "config/words.h"

namespace qtool {
namespace {

constexpr size_t kLongestRegex = 1000;
constexpr int kMaxBins = 1 << 16;

/// Polynomial time and no recursion over the text, where the library can: a pattern must not hang the tool.
std::regex compile(const std::string& pattern) {
#ifdef __GLIBCXX__
  return std::regex(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial);
#else
  return std::regex(pattern);
#endif
}

/// quant_min and quant_max, within the type and in order.
CodeRange read_codes(Cursor& cursor, const ObserverSpec& spec, Role role) {
  const CodeRange full = full_range(spec.dtype), usual = default_codes(spec.dtype, role, spec.reduce_range);
  CodeRange codes{cursor["quant_min"].integer(full.lo, full.hi, usual.lo), cursor["quant_max"].integer(full.lo, full.hi, usual.hi)};
  if (codes.lo < codes.hi) return codes;
  cursor.mistake("quant_min " + std::to_string(codes.lo) + " is not below quant_max " + std::to_string(codes.hi));
  return usual;
}

void read_fixed(Cursor& cursor, ObserverSpec& spec) {
  Cursor scale = cursor["scale"], zero_point = cursor["zero_point"];
  if (spec.observer != "fixed_qparams") {
    for (Cursor* extra : {&scale, &zero_point})
      if (!extra->absent()) extra->mistake("only observer fixed_qparams has a fixed value here, found observer " + spec.observer);
    return;
  }
  spec.scale = static_cast<float>(scale.number(std::numeric_limits<float>::min(), std::numeric_limits<float>::max()));
  spec.zero_point = static_cast<int32_t>(zero_point.integer(spec.codes.lo, spec.codes.hi));
}

QScheme default_scheme(bool per_channel, Role role) {
  if (role == Role::activation) return QScheme::per_tensor_affine;
  return per_channel ? QScheme::per_channel_symmetric : QScheme::per_tensor_symmetric;
}

/// What does not go together although each field is right by itself.
void check_together(Cursor& cursor, const ObserverSpec& spec, bool per_channel, Role role) {
  const bool by_row = spec.dynamic() && spec.dtype == DType::int8 && spec.qscheme == QScheme::per_channel_symmetric;
  if (role == Role::activation && is_per_channel(spec.qscheme) && !by_row)
    cursor["qscheme"].mistake("\"" + std::string(name_of(spec.qscheme)) + "\" is for weights, activations are quantized per tensor");
  if (role == Role::activation && per_channel)
    cursor["observer"].mistake("\"" + spec.observer + "\" is for weights, activations are quantized per tensor");
  if (role == Role::weight && per_channel && !is_per_channel(spec.qscheme))
    cursor["qscheme"].mistake("\"" + std::string(name_of(spec.qscheme)) + "\" contradicts observer " + spec.observer);
  if (role == Role::activation && spec.group_size > 0)
    cursor["group_size"].mistake("groups are for weights, activations are quantized per tensor");
  if (role == Role::weight && spec.dynamic()) cursor["observer"].mistake("\"placeholder\" is for activations, weights are known");
}

void read_tuning(Cursor& cursor, ObserverSpec& spec) {
  spec.eps = static_cast<float>(cursor["eps"].number(0, 1e6, shortest_decimal(spec.eps)));
  spec.ch_axis = static_cast<int>(cursor["ch_axis"].integer(-1, 7, spec.ch_axis));
  spec.group_size = static_cast<int>(cursor["group_size"].integer(0, 1 << 20, spec.group_size));
  spec.bins = static_cast<int>(cursor["bins"].integer(16, kMaxBins, spec.bins));
  spec.percentile = cursor["percentile"].number(50, 100, spec.percentile);
  spec.averaging_constant = cursor["averaging_constant"].number(0, 1, spec.averaging_constant);
  spec.power_of_two = cursor["power_of_two"].boolean(false);
}

QConfig read_qconfig(Cursor cursor, const QConfig* global) {
  QConfig qconfig;
  qconfig.where = cursor.where();
  if (!cursor.is_object()) {
    cursor.not_a("an object or null");
    return qconfig;
  }
  Cursor activation = cursor["activation"], weight = cursor["weight"];
  qconfig.activation = global && activation.absent() ? global->activation : read_observer(activation, Role::activation);
  qconfig.weight = global && weight.absent() ? global->weight : read_observer(weight, Role::weight);
  cursor.finish();
  return qconfig;
}

}  // namespace

CodeRange default_codes(DType dtype, Role role, bool reduce_range) {
  CodeRange codes = full_range(dtype);
  if (role == Role::weight && is_signed(dtype)) codes.lo = -codes.hi;
  if (reduce_range) codes = {codes.lo / 2, codes.hi / 2};
  return codes;
}

ObserverSpec read_observer(Cursor cursor, Role role) {
  ObserverSpec spec;
  spec.where = cursor.where();
  if (cursor.is_null()) return spec;
  if (!cursor.is_object()) {
    cursor.not_a("an object or null");
    return spec;
  }
  Cursor dtype = cursor["dtype"], observer = cursor["observer"];
  const auto none = words::ObserverKind{"none"};
  const auto kind = observer.one_of(words::observers(), dtype.is_string() ? std::optional(none) : std::nullopt);
  spec.observer = kind.name;
  spec.dtype = dtype.one_of(words::activation_types(), spec.observer == "none" ? std::optional(DType::float32) : std::nullopt);
  read_tuning(cursor, spec);
  spec.qscheme = cursor["qscheme"].one_of(words::schemes(), std::optional(default_scheme(kind.per_channel, role)));
  spec.reduce_range = cursor["reduce_range"].boolean(false);
  if (spec.dtype != DType::float32) {
    if (observer.absent()) observer.mistake("missing");
    spec.codes = read_codes(cursor, spec, role);
    read_fixed(cursor, spec);
    check_together(cursor, spec, kind.per_channel, role);
  }
  for (const char* ignored : {"quant_min", "quant_max", "scale", "zero_point"}) cursor[ignored];
  cursor.finish();
  return spec;
}

QConfigMapping QConfigReader::read(Cursor root) {
  using Kind = QConfigMapping::RuleKind;
  QConfigMapping mapping;
  if (!root.is_object()) root.not_a("a qconfig, which is an object");
  root["$schema"], root["description"];
  auto add = [&](Kind kind, const std::string& key, Cursor value, const QConfig* global) -> const QConfig* {
    QConfigMapping::Rule rule{kind, key, nullptr, value.where(), nullptr};
    if (!value.is_null()) rule.qconfig = std::make_shared<QConfig>(read_qconfig(value, global));
    mapping.rules_.push_back(std::move(rule));
    return mapping.rules_.back().qconfig.get();
  };
  const QConfig* global = nullptr;
  if (Cursor value = root["global"]; !value.absent()) global = add(Kind::global, "", value, nullptr);
  for (auto& [key, value] : root["object_type"].members()) add(Kind::object_type, key, value, global);
  for (Cursor& pair : root["module_name_regex"].elements()) {
    auto parts = pair.elements();
    if (parts.size() != 2) {
      if (pair.is_array()) pair.mistake("an array of " + std::to_string(parts.size()) + " is not [regex, qconfig]");
      continue;
    }
    const std::string pattern = parts[0].string();
    add(Kind::module_name_regex, pattern, parts[1], global);
    try {
      if (pattern.size() > kLongestRegex) throw std::regex_error(std::regex_constants::error_complexity);
      mapping.rules_.back().compiled = std::make_shared<const std::regex>(compile(pattern));
    } catch (const std::regex_error&) {
      parts[0].mistake("\"" + pattern.substr(0, 60) + "\" is not a regular expression");
    }
  }
  for (auto& [key, value] : root["module_name"].members()) add(Kind::module_name, key, value, global);
  for (auto& [key, value] : root["tensor"].members()) add(Kind::tensor, key, value, global);
  root.finish();
  mapping.matched_.resize(mapping.rules_.size());
  return mapping;
}

}  // namespace qtool
