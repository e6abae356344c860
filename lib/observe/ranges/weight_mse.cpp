#include "observe/ranges/weight_mse.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qtool::ranges {
namespace {

constexpr size_t kLanes = 8;
/// The longer a channel, the smoother its error: scales tried times values, and the bounds of the number of scales.
constexpr size_t kWork = size_t{1} << 18, kFewest = 96, kMost = 4096;
constexpr float kLowest = 0.6f, kHighest = 1.2f;
constexpr int kImprovements = 8;

struct Fit {
  double gain = -1;  ///< sum of w^2 less the squared error, with the best scale of these codes
  double scale = 0;
};

/// Of the codes that `scale` gives; `values` are padded with zeros to whole lanes.
Fit fit(std::span<const float> values, float scale, const RangeOptions& options) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding and taking it off rounds to an integer
  const float inverse = 1 / scale, lo = static_cast<float>(options.codes.lo), hi = static_cast<float>(options.codes.hi);
  const float middle = options.codes.lo < 0 ? 0.0f : std::ceil((lo + hi) / 2);
  std::array<float, kLanes> products{}, squares{};
  for (size_t i = 0; i < values.size(); i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float w = values[i + lane], rounded = (w * inverse + kRound) - kRound;
      const float above = rounded < lo - middle ? lo - middle : rounded, q = above > hi - middle ? hi - middle : above;
      products[lane] += w * q;
      squares[lane] += q * q;
    }
  double product = 0, square = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) product += products[lane], square += squares[lane];
  return square > 0 && product > 0 ? Fit{product * product / square, product / square} : Fit{};
}

}  // namespace

Range least_squares_of_weight(std::span<const float> values, const RangeOptions& options) {
  std::vector<float> padded(values.begin(), values.end());
  padded.resize((padded.size() + kLanes - 1) / kLanes * kLanes, 0.0f);
  float largest = 0;
  for (const float w : padded) largest = std::max(largest, std::fabs(w));
  const float half = static_cast<float>(options.codes.hi - options.codes.lo) / 2, whole = largest / half;
  if (!std::isnormal(whole) || !std::isfinite(1 / whole) || half > 1 << 20) return {-largest, largest};
  const size_t count = std::clamp(kWork / padded.size(), kFewest, kMost);
  Fit best;
  for (size_t i = 0; i <= count; ++i) {
    const float factor = kLowest + (kHighest - kLowest) * static_cast<float>(i) / static_cast<float>(count);
    if (const Fit found = fit(padded, whole * factor, options); found.gain > best.gain) best = found;
  }
  if (best.gain < 0) return {-largest, largest};
  for (int i = 0; i < kImprovements; ++i) {
    const Fit better = fit(padded, static_cast<float>(best.scale), options);
    if (better.gain <= best.gain) break;
    best = better;
  }
  const auto bound = static_cast<float>(best.scale * half);
  return {-bound, bound};
}

}  // namespace qtool::ranges
