#pragma once
// What this machine could do at most, measured, and how far a profile is from it (Williams, Waterman, Patterson: Roofline, 2009).

#include <cstdint>
#include <vector>

#include "exec/plan.h"

namespace qtool {

struct Roofline {
  double int8_gmacs = 0;  ///< 1e9 multiply-accumulates of 8-bit codes a second, on registers
  double gbytes = 0;      ///< 1e9 bytes read a second from a buffer of `footprint` bytes
  int64_t footprint = 0;

  /// The time nothing can beat: the sum over the steps of what computing or moving takes, whichever is more, in us.
  double bound_us(const std::vector<StepProfile>& profile) const;
};

/// Measures both with `threads` threads at once, for a model that moves `bytes` a run; takes about 50 ms.
Roofline measure_roofline(int threads, int64_t bytes);

}  // namespace qtool
