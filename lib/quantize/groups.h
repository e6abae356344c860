#pragma once
// Step 4 of decide(): which tensors have one set of parameters.

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/backend.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Disjoint sets of tensors.
class TensorGroups {
 public:
  void add(const Value* value) { parent_.emplace(value, value); }
  void join(const Value* a, const Value* b);
  const Value* root(const Value* value) const;
  bool holds(const Value* value) const { return parent_.count(value) != 0; }

 private:
  std::unordered_map<const Value*, const Value*> parent_;
};

/// Joins coded tensors: in and out of pass-through calls, all of an operator the backend wants on one scale, both sides of the
/// borders of If, Loop and Scan.
TensorGroups group_tensors(const std::vector<NodeDecision>& nodes, const std::unordered_set<const Value*>& coded,
                           const Placement& placement);

}  // namespace qtool
