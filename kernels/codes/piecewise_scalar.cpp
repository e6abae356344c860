#include <algorithm>
#include <cmath>

#include "kernels/registry.h"
#include "kernels/rows/rows.inl"

namespace qtool::kernels {

float PiecewiseTable::operator()(float x) const {
  const float t = std::fma(x, slope, offset), piece = std::min(std::max(std::floor(t), 0.0f), static_cast<float>(kPieces - 1));
  if (std::isnan(t)) return t;
  const auto i = static_cast<size_t>(piece);
  const float r = t - piece;
  float y = c[kOrder - 1][i];
  for (size_t k = kOrder - 1; k-- > 0;) y = std::fma(y, r, c[k][i]);
  return y;
}

void piecewise_scalar(const PiecewiseArgs& args) {
  for (size_t i = 0; i < args.n; ++i) args.codes[i] = code_of((*args.table)(args.in[i]), args.zero_point, args.lo, args.hi);
}

}  // namespace qtool::kernels
