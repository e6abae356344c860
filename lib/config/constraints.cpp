// What a backend demands of an observer, by the rules of torch.ao's BackendConfig.

#include <cstdio>

#include "config/backend.h"
#include "config/words.h"

namespace qtool {
namespace {

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.8g", value);
  return buffer;
}

using Reasons = std::vector<std::string>;

void check_codes(const ObserverSpec& spec, const DTypeConstraint& constraint, Reasons& reasons) {
  if (constraint.quant_min_lower_bound && spec.codes.lo < *constraint.quant_min_lower_bound)
    reasons.push_back("quant_min " + std::to_string(spec.codes.lo) + " is below the backend's quant_min_lower_bound " +
                      std::to_string(*constraint.quant_min_lower_bound));
  if (constraint.quant_max_upper_bound && spec.codes.hi > *constraint.quant_max_upper_bound)
    reasons.push_back("quant_max " + std::to_string(spec.codes.hi) + " is above the backend's quant_max_upper_bound " +
                      std::to_string(*constraint.quant_max_upper_bound));
}

/// A scale is not known before calibration; eps is the least it can be, a fixed one is known.
void check_scale(const ObserverSpec& spec, const DTypeConstraint& constraint, Reasons& reasons) {
  if (const auto bound = constraint.scale_min_lower_bound) {
    if (spec.scale ? *spec.scale < *bound : spec.eps < *bound)
      reasons.push_back((spec.scale ? "scale " + text(*spec.scale) : "eps " + text(spec.eps)) +
                        " is below the backend's scale_min_lower_bound " + text(*bound));
  }
  if (const auto bound = constraint.scale_max_upper_bound) {
    const double least = spec.scale ? *spec.scale : spec.eps;
    if (least > *bound)
      reasons.push_back((spec.scale ? "scale " : "eps ") + text(least) + " is above the backend's scale_max_upper_bound " + text(*bound));
  }
  if (const auto exact = constraint.scale_exact_match) {
    if (!spec.scale)
      reasons.push_back("observer " + spec.observer + " has no fixed scale, the backend's scale_exact_match is " + text(*exact));
    else if (*spec.scale != static_cast<float>(*exact))
      reasons.push_back("scale " + text(*spec.scale) + " is not the backend's scale_exact_match " + text(*exact));
  }
}

/// The zero point known beforehand: fixed, or that of a symmetric scheme.
std::optional<int64_t> known_zero_point(const ObserverSpec& spec) {
  if (spec.zero_point) return *spec.zero_point;
  if (!is_symmetric(spec.qscheme)) return std::nullopt;
  return is_signed(spec.dtype) ? 0 : (spec.codes.lo + spec.codes.hi + 1) / 2;
}

void check_zero_point(const ObserverSpec& spec, const DTypeConstraint& constraint, Reasons& reasons) {
  if (!constraint.zero_point_exact_match) return;
  const auto known = known_zero_point(spec);
  const std::string wanted = "zero_point_exact_match " + std::to_string(*constraint.zero_point_exact_match);
  if (!known)
    reasons.push_back("qscheme " + std::string(name_of(spec.qscheme)) + " has no fixed zero_point, the backend's " + wanted +
                      " needs a symmetric one");
  else if (*known != *constraint.zero_point_exact_match)
    reasons.push_back("zero_point " + std::to_string(*known) + " is not the backend's " + wanted);
}

}  // namespace

std::vector<std::string> check_constraints(const ObserverSpec& spec, const DTypeConstraint& constraint) {
  if (spec.dtype != constraint.dtype)
    return {"dtype " + words::word_of(words::activation_types(), spec.dtype) + " is not the backend's " +
            words::word_of(words::activation_types(), constraint.dtype)};
  Reasons reasons;
  if (spec.dtype == DType::float32) return reasons;
  check_codes(spec, constraint, reasons);
  check_scale(spec, constraint, reasons);
  check_zero_point(spec, constraint, reasons);
  return reasons;
}

}  // namespace qtool
