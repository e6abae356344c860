// One channel of a weight is much larger than the others, and all share one scale.

#include <algorithm>

#include "debug/causes.h"
#include "debug/weights.h"

namespace qtool::debug {
namespace {

constexpr double kSpread = 4, kNoise = 1e-4;  ///< largest channel over the median one; 40 dB

bool suffers(const Weight& weight) {
  return !weight.bias && weight.parameters && !weight.parameters->per_channel && weight.axis >= 0 && weight.loss &&
         weight.spread >= kSpread && weight.noise >= kNoise;
}

}  // namespace

std::optional<Cause> outlier_channel(const Situation& situation) {
  const auto& weights = situation.node().weights;
  for (size_t i = 0; i < weights.size(); ++i) {
    const Weight& weight = weights[i];
    if (!suffers(weight)) continue;
    const QuantizedConstant& constant = situation.network.skeleton().constants[situation.in_network().constants[i]];
    const std::vector<float> magnitudes = channel_magnitudes(constant.real, weight.axis);
    const auto largest = std::max_element(magnitudes.begin(), magnitudes.end());
    const auto channel = static_cast<double>(largest - magnitudes.begin());
    Cause cause;
    cause.text = "outlier channel: channel " + digits(channel) + " of weight " + weight.name + " reaches " +
                 digits(static_cast<double>(*largest)) + ", " + digits(weight.spread) +
                 " times the median channel, and all share one scale";
    cause.evidence = {{"channel", channel}, {"largest", *largest}, {"spread", weight.spread}, {"weight_noise", weight.noise}};
    cause.remedy = "quantize the weight per channel";
    cause.weight = weight.noise;
    return cause;
  }
  return std::nullopt;
}

}  // namespace qtool::debug
