#include "ops/helpers/scales.h"

namespace qtool {
namespace {

[[noreturn]] void misfit(const Shape& x, const Shape& scale) {
  throw invalid_file("scale of shape " + to_string(scale) + " does not fit input " + to_string(x));
}

}  // namespace

ScaleMap::ScaleMap(const Shape& x, const Shape& scale, int64_t axis, int64_t block_size) {
  inner_ = element_count(x);
  if (element_count(scale) == 1 && (scale.size() <= 1 || block_size == 0)) return;
  const auto a = static_cast<size_t>(normalize_axis(axis, x.size()));
  outer_ = product(x, 0, a);
  middle_ = x[a];
  inner_ = product(x, a + 1, x.size());
  if (scale.size() == 1) {
    if (scale[0] != middle_) misfit(x, scale);
    middle_step_ = 1;
    return;
  }
  if (scale.size() != x.size()) misfit(x, scale);
  block_ = block_size > 0 ? block_size : scale[a] > 0 ? (middle_ + scale[a] - 1) / scale[a] : 1;
  for (size_t d = 0; d < x.size(); ++d)
    if (scale[d] != (d == a ? (middle_ + block_ - 1) / block_ : x[d])) misfit(x, scale);
  inner_step_ = 1;
  middle_step_ = inner_;
  outer_step_ = scale[a] * inner_;
}

}  // namespace qtool
