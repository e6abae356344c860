#include <cmath>
#include <cstdio>

#include "debug/report.h"

namespace qtool::debug {
namespace {

std::string decibels(double value) {
  if (!std::isfinite(value)) return "exact";
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f dB", value);
  return text;
}

std::string line_of(const NodeReport& node) {
  char text[400];
  const std::string alone = node.isolated ? decibels(node.isolated->sqnr_db) : "-";
  const std::string until = node.cumulative ? decibels(node.cumulative->sqnr_db) : "-";
  std::string weight = "-", gain = "-";
  for (const Weight& each : node.weights)
    if (each.loss && !each.bias) weight = decibels(each.loss->sqnr_db);
  if (node.leave_one_out) {
    char share[32];
    std::snprintf(share, sizeof(share), "%.1f%%", 100 * node.leave_one_out->gain);
    gain = share;
  }
  std::snprintf(text, sizeof(text), "%4zu  %9s  %9s  %9s  %7s  %-16s %s", node.rank, alone.c_str(), until.c_str(), weight.c_str(),
                gain.c_str(), node.op.c_str(), node.name.c_str());
  return text;
}

}  // namespace

std::string to_text(const Report& report, size_t nodes) {
  std::string text = report.verdict + "\n\nrank      alone      until     weight     gain  operator         node\n";
  for (const NodeReport* node : ranking(report)) {
    if (node->rank > nodes) break;
    text += line_of(*node) + "\n";
    for (const Cause& cause : node->causes) text += "        " + cause.text + (cause.remedy.empty() ? "" : "; " + cause.remedy) + "\n";
  }
  const size_t alone = report.int8_alone.size();
  if (alone > 0) text += std::to_string(alone) + " int8 nodes have no partner in the float model (see --json)\n";
  return text +
         "alone: this node quantized, its inputs float.  until: the int8 model up to here.  gain: of the output error, were it float.";
}

}  // namespace qtool::debug
