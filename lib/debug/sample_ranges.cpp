#include "debug/sample_ranges.h"

#include <algorithm>
#include <cmath>

namespace qtool::debug {

void SampleRanges::add(float sample_lo, float sample_hi, bool leaves) {
  const float magnitude = std::max(std::fabs(sample_lo), std::fabs(sample_hi));
  merge({1, sample_lo, sample_hi, leaves ? size_t{1} : size_t{0}, magnitude, 0, 0, {{sample_lo, sample_hi}}}, samples);
}

void SampleRanges::merge(const SampleRanges& later, size_t offset) {
  if (later.empty()) return;
  lo = std::min(lo, later.lo);
  hi = std::max(hi, later.hi);
  beyond += later.beyond;
  const bool greater = empty() || later.largest > largest;
  const float other = greater ? largest : later.largest;
  second = std::max({empty() ? 0.0f : other, second, later.second});
  if (greater) {
    largest = later.largest;
    largest_at = offset + later.largest_at;
  }
  samples += later.samples;
  const size_t room = kRangesListed - std::min(kRangesListed, first.size());
  first.insert(first.end(), later.first.begin(), later.first.begin() + static_cast<std::ptrdiff_t>(std::min(room, later.first.size())));
}

}  // namespace qtool::debug
