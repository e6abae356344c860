#pragma once
// Where a right-hand side of a product lies in constant weights.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace qtool::lowerings {

constexpr int64_t kDeepest = 65536;  ///< taps * depth, of the kernel's contract

/// b(t, k, n) = weights[offset + taps[t] + k * step_k + n * step_n], all in elements.
struct WeightView {
  size_t offset = 0;
  std::vector<size_t> taps;  ///< none: one tap of zeros
  size_t depth = 0, step_k = 0, n = 0, step_n = 0;

  /// What lies between taps, where that is the same everywhere; nothing for no taps.
  std::optional<size_t> step_t() const {
    if (taps.empty()) return std::nullopt;
    const size_t step = taps.size() > 1 ? taps[1] - taps[0] : 0;
    for (size_t t = 1; t < taps.size(); ++t)
      if (taps[t] != taps[0] + t * step) return std::nullopt;
    return step;
  }

  /// Calls body(t, k, n, weight).
  template <class Element, class Body>
  void for_each(const Element* weights, const Body& body) const {
    for (size_t t = 0; t < taps.size(); ++t)
      for (size_t column = 0; column < n; ++column)
        for (size_t k = 0; k < depth; ++k) body(t, k, column, weights[offset + taps[t] + k * step_k + column * step_n]);
  }

  /// Into panels of kColumns columns, as FloatGemmPacking lays them; `to` holds zeros.
  template <size_t kColumns, class Element>
  void pack(const Element* weights, Element* to) const {
    for (size_t first = 0; first < n; first += kColumns)
      for (const size_t tap : taps) {
        const Element* from = weights + offset + tap + first * step_n;
        for (size_t k = 0; k < depth; ++k, from += step_k, to += kColumns) {
          if (step_n == 1 && first + kColumns <= n)
            std::copy_n(from, kColumns, to);
          else
            for (size_t c = 0; c < std::min(kColumns, n - first); ++c) to[c] = from[c * step_n];
        }
      }
  }
};

}  // namespace qtool::lowerings
