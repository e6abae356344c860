#include "pass/tidy.h"

#include "ops/op_def.h"
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

constexpr int kMaxRounds = 16;

/// Runs a pass and keeps its report when it has something to say; returns whether it changed something.
bool apply(Model& model, const std::string& name, PassReport (*pass)(Model&), std::vector<PassReport>& reports) {
  PassReport report = run_pass(model, name, pass);
  const bool changed = !report.changes.empty();
  if (changed || !report.skips.empty()) reports.push_back(std::move(report));
  return changed;
}

}  // namespace

std::vector<PassReport> tidy(Model& model) {
  std::vector<PassReport> reports;
  apply(model, "constants_to_weights", constants_to_weights, reports);
  for (int round = 0; round < kMaxRounds; ++round) {
    std::vector<PassReport> now;
    infer_types(model);
    bool changed = apply(model, "fold_constants", fold_constants, now);
    changed |= apply(model, "fold_shapes", fold_shapes, now);
    changed |= apply(model, "sum_to_add", sum_to_add, now);
    changed |= apply(model, "drop_no_ops", drop_no_ops, now);
    changed |= apply(model, "inline_constant_if", inline_constant_if, now);
    changed |= apply(model, "drop_dead", drop_dead, now);
    for (PassReport& report : now) {
      if (changed) report.skips.clear();  // said once, in the last round
      if (!report.changes.empty() || !report.skips.empty()) reports.push_back(std::move(report));
    }
    if (!changed) break;
  }
  return reports;
}

}  // namespace qtool
