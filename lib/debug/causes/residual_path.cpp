// Every Add of a residual path rounds the sum again: errors pile up along it.

#include <algorithm>
#include <set>

#include "debug/causes.h"

namespace qtool::debug {
namespace {

const NodeReport* maker_of(const Report& report, const std::string& tensor) {
  for (const NodeReport& node : report.nodes)
    if (std::find(node.outputs.begin(), node.outputs.end(), tensor) != node.outputs.end()) return &node;
  return nullptr;
}

/// Quantized Adds from this one backward, each an input of the next.
std::vector<const NodeReport*> chain_of(const Report& report, const NodeReport& last) {
  std::vector<const NodeReport*> chain{&last};
  for (bool longer = true; longer && chain.size() < report.nodes.size();) {
    longer = false;
    for (const std::string& input : chain.back()->inputs) {
      const NodeReport* maker = maker_of(report, input);
      if (!maker || maker->op != "Add" || !maker->quantized || maker == chain.back()) continue;
      chain.push_back(maker);
      longer = true;
      break;
    }
  }
  return chain;
}

}  // namespace

std::optional<Cause> residual_path(const Situation& situation) {
  constexpr size_t kLeast = 3;
  constexpr double kTimes = 2;
  const NodeReport& node = situation.node();
  if (node.op != "Add" || !node.cumulative || node.noise <= 0) return std::nullopt;
  const auto chain = chain_of(situation.report, node);
  const NodeReport& first = *chain.back();
  if (chain.size() < kLeast || !first.cumulative || node.cumulative_noise < kTimes * first.cumulative_noise) return std::nullopt;
  Cause cause;
  cause.text = "accumulating residual path: over " + std::to_string(chain.size()) + " additions from " + first.name +
               " the SQNR falls from " + digits(first.cumulative->sqnr_db) + " to " + digits(node.cumulative->sqnr_db) + " dB";
  cause.evidence = {{"additions", static_cast<double>(chain.size())},
                    {"first_sqnr_db", first.cumulative->sqnr_db},
                    {"last_sqnr_db", node.cumulative->sqnr_db}};
  cause.remedy = "leave the additions of this path float";
  cause.observer = "float";
  cause.weight = 0.5 * node.noise;
  return cause;
}

}  // namespace qtool::debug
