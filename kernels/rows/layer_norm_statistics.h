#pragma once
#include <cmath>

namespace qtool::kernels {
namespace {

/// From the sums of d and of d^2 over n elements.
struct Normalization {
  float offset, inverse;
  Normalization(float sum, float squares, double n, float epsilon) {
    const double rest = static_cast<double>(sum) / n, variance = static_cast<double>(squares) / n - rest * rest;
    offset = static_cast<float>(rest);
    inverse = static_cast<float>(1 / std::sqrt((variance < 0 ? 0 : variance) + static_cast<double>(epsilon)));
  }
};

}  // namespace
}  // namespace qtool::kernels
