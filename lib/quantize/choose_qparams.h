#pragma once
// From statistics to scales and zero points; from weights to codes.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "observe/stats.h"
#include "quantize/constant_params.h"
#include "quantize/quant_plan.h"

namespace qtool {

struct QParams {
  std::unordered_map<const Value*, QuantParams> tensors;                                      ///< every tensor of the plan
  std::unordered_map<const Node*, std::vector<std::pair<size_t, ConstantParams>>> constants;  ///< weights and constant operands, by call
  std::vector<std::pair<std::string, std::string>> missing;                                   ///< tensor path -> why it has no parameters

  const ConstantParams* constant_of(const Node& call, size_t input) const;
};

/// Activations from the statistics of their group, weights from their values. Weight scales are enlarged where a bias would
/// overflow int32. When `missing` is not empty the plan has to be decided again without those tensors.
QParams choose_qparams(const QuantPlan& plan, const Stats& stats, const Placement& placement);

}  // namespace qtool
