#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// As many multiply-accumulates of 8-bit codes as the instruction set can do in `rounds` turns (at least one) of a loop that touches
/// registers alone: the ceiling of every int8 product. *macs = how many it did; *sink = a number that depends on them all. No allocation,
/// no threads, no state.
struct DotPeakArgs {
  size_t rounds;
  int64_t* macs;
  int32_t* sink;
};
struct DotPeak {
  using Args = DotPeakArgs;
  using Fn = void(const DotPeakArgs&);
};

}  // namespace qtool::kernels
