#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

constexpr size_t kSums = 8;

/// Sum of term(in[i]) in lanes.
template <class Term>
double lane_sum(const LayerNormArgs& args, Term term) {
  double lanes[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= args.n; i += kSums)
    for (size_t l = 0; l < kSums; ++l) lanes[l] += term(static_cast<double>(args.in[i + l]));
  for (; i < args.n; ++i) lanes[0] += term(static_cast<double>(args.in[i]));
  double total = 0;
  for (const double lane : lanes) total += lane;
  return total;
}

void layer_norm_any(const LayerNormArgs& args) {
  const auto n = static_cast<double>(args.n);
  const double mean = lane_sum(args, [](double x) { return x; }) / n;
  const double variance = lane_sum(args, [mean](double x) { return (x - mean) * (x - mean); }) / n;
  const auto inverse = static_cast<float>(1 / std::sqrt(variance + static_cast<double>(args.epsilon)));
  const auto centre = static_cast<float>(mean);
#pragma GCC ivdep
  for (size_t i = 0; i < args.n; ++i) args.out[i] = (args.in[i] - centre) * inverse * args.scale[i] + (args.bias ? args.bias[i] : 0.0f);
}

}  // namespace
}  // namespace qtool::kernels
