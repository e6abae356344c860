#pragma once
// Loops whose counters are constants, so that arrays indexed by them are registers.

#include <utility>

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

/// f(0), f(1), .. f(N - 1) with constants for numbers.
template <int N, class F>
QTOOL_INLINE void repeat(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) { (f(std::integral_constant<int, I>{}), ...); }
  (std::make_integer_sequence<int, N>{});
}
#define QTOOL_EACH(i) [&](auto i) __attribute__((always_inline))
#define QTOOL_EACH_OF(i, v) [&](auto i, auto v) __attribute__((always_inline))

}  // namespace
}  // namespace qtool::kernels
