// A bias that 32 bits of scale_x * scale_w do not hold.

#include <limits>

#include "debug/causes.h"

namespace qtool::debug {
namespace {

int64_t at_the_ends(const Tensor& codes) {
  int64_t count = 0;
  for (const int32_t code : codes.data<int32_t>())
    count += code == std::numeric_limits<int32_t>::max() || code == std::numeric_limits<int32_t>::min();
  return count;
}

}  // namespace

std::optional<Cause> bias_overflow(const Situation& situation) {
  const auto& constants = situation.in_network().constants;
  for (size_t i = 0; i < constants.size(); ++i) {
    const QuantizedConstant& constant = situation.network.skeleton().constants[constants[i]];
    if (constant.codes.dtype() != DType::int32) continue;
    const int64_t count = at_the_ends(constant.codes);
    if (count == 0) continue;
    const Weight& weight = situation.node().weights[i];
    Cause cause;
    cause.text = "bias overflow: " + std::to_string(count) + " of " + std::to_string(constant.codes.size()) + " values of " + weight.name +
                 " do not fit 32 bits at the scale of input times weight";
    cause.evidence = {{"values", static_cast<double>(count)}, {"max_error", weight.loss ? weight.loss->max_error : 0}};
    cause.remedy = "a larger least scale (eps) for the weight, or this node float";
    cause.observer = "float";
    cause.weight = 10 + weight.noise;
    return cause;
  }
  return std::nullopt;
}

}  // namespace qtool::debug
