#pragma once
// From numbers to a likely reason. One rule, one file in causes/, one row in causes.inc.

#include <optional>

#include "debug/measure.h"
#include "debug/report.h"

namespace qtool::debug {

/// What a rule may look at: one node of the report, and everything else.
struct Situation {
  const Network& network;
  const Measures& measures;
  const Report& report;
  size_t index;
  bool saturates = false;  ///< products of u8 and s8 are added in 16 bits here

  const NodeReport& node() const { return report.nodes[index]; }
  const NetworkNode& in_network() const { return network.nodes()[index]; }
  const NodeMeasure& measure() const { return measures.nodes[index]; }
  const Activation* activation() const { return node().activation ? &*node().activation : nullptr; }
  /// Parameters of the rounding behind the node; null: none.
  const Parameters* parameters() const { return activation() && activation()->parameters ? &*activation()->parameters : nullptr; }
};

/// The reason, or nothing where the rule does not apply.
using CauseRule = std::optional<Cause> (*)(const Situation&);

/// Every cause of every quantized node, heaviest first. `saturates`: of this processor when not given.
void find_causes(const Network& network, const Measures& measures, Report& report, std::optional<bool> saturates = {});

/// Mean squared error that cutting the float values at the ends of the codes costs, and that steps of the scale cost, relative to the
/// mean square of the values.
double clipping_noise(const Situation& situation);
double rounding_noise(const Situation& situation);

/// "0.0123", four digits.
std::string digits(double value);
std::string percent(double share);
/// "[-1, 3.2]".
std::string interval(double lo, double hi);

}  // namespace qtool::debug
