#include "ops/helpers/quantized.h"

#include <algorithm>
#include <cmath>

#include "ops/helpers/numeric.h"
#include "ops/helpers/scales.h"
#include "tensor/quant_math.h"

namespace qtool {

Tensor centered(const Tensor& x, const Tensor& zero, int64_t axis) {
  Tensor y = x.cast(DType::float32);
  if (!zero.defined()) return y;
  const std::vector<float> zeros = zero.to_floats();
  float* to = elements<float>(y);
  ScaleMap(x.shape(), zero.shape(), axis, 0).for_each([&](int64_t i, int64_t s) { to[i] -= zeros[static_cast<size_t>(s)]; });
  return y;
}

Tensor requantized(const Tensor& sums, const std::vector<double>& ratio, int64_t axis, const Tensor& zero) {
  const Shape slices = ratio.size() == 1 ? Shape{} : Shape{std::ssize(ratio)};
  std::vector<double> codes = to_doubles(sums);
  require(zero.size() == 1, "the output's zero point must be one number");
  const double zero_point = zero.number_at(0);
  const CodeRange range = full_range(zero.dtype());
  ScaleMap(sums.shape(), slices, axis, 0).for_each([&](int64_t i, int64_t s) {
    double& code = codes[static_cast<size_t>(i)];
    code = std::clamp(std::nearbyint(code * ratio[static_cast<size_t>(s)]) + zero_point, static_cast<double>(range.lo),
                      static_cast<double>(range.hi));
  });
  return from_doubles(zero.dtype(), sums.shape(), codes);
}

}  // namespace qtool
