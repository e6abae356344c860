#pragma once
#include "debug/report.h"
#include "debug/rounding.h"
#include "observe/histogram.h"

namespace qtool::debug {

inline constexpr size_t kBinsTold = 128;

/// Both histograms over kBinsTold bins from the least to the greatest of [lo, hi] and what the codes reach. `params` may be null.
Bins bins_of(const Histogram& real, double lo, double hi, const QuantParams* params, const CodeCounts& codes);

/// The values that cut (100 - percent) / 2 of all off at each end, to the width of a bin.
std::pair<double, double> inner_range(const Histogram& histogram, double percent);

}  // namespace qtool::debug
