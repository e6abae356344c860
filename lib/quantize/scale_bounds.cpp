#include "quantize/scale_bounds.h"

#include <algorithm>
#include <cstdio>

#include "quantize/spread.h"

namespace qtool {
namespace {

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.8g", value);
  return buffer;
}

class BoundCheck {
 public:
  explicit BoundCheck(const QParams& qparams) : qparams_(qparams) {}

  void check(const NodeDecision& decision) {
    const auto& [input, output, weight] = decision.most_scales;
    for (const size_t each : input ? decision.data : std::vector<size_t>{}) tensor(*decision.call->in(each), *input);
    if (output && needs_coded_output(decision))
      for (const auto& value : decision.call->outputs())
        if (value) tensor(*value, *output);
    if (!weight || !decision.weight) return;
    const ConstantParams* params = qparams_.constant_of(*decision.call, decision.weight->input);
    if (params) hold(*decision.call->in(decision.weight->input), *std::ranges::max_element(params->params.scales), *weight);
  }

  std::vector<std::pair<std::string, std::string>> found;

 private:
  void tensor(const Value& value, double bound) {
    const auto params = qparams_.tensors.find(&value);
    if (params != qparams_.tensors.end()) hold(value, params->second.scale(), bound);
  }

  void hold(const Value& value, double scale, double bound) {
    if (scale > bound)
      found.emplace_back(value.path(), "has scale " + text(scale) + ", above the backend's scale_max_upper_bound " + text(bound));
  }

  const QParams& qparams_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> scales_above_bounds(const QuantPlan& plan, const QParams& qparams) {
  BoundCheck check(qparams);
  for (const NodeDecision& decision : plan.nodes)
    if (decision.quantized) check.check(decision);
  return check.found;
}

}  // namespace qtool
