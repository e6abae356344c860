#include "observe/histogram.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "observe/kernels/scan_count.h"

namespace qtool {
namespace {

constexpr size_t kBlock = 8192;      ///< values scanned, then counted while they are in the first-level cache
constexpr size_t kCounters = 4;      ///< tables counted in turn: equal neighbours do not wait for each other's store
constexpr size_t kFewValues = 2048;  ///< below, adding up the tables would cost more than it saves

/// Working memory of a thread; the tables are zero between calls.
struct Scratch {
  uint32_t tables[kCounters][Histogram::kBins] = {};
  uint16_t bins[kBlock + observe::kBinPadding];
  float finite[kBlock];
};

Scratch& scratch() {
  thread_local const auto memory = std::make_unique<Scratch>();
  return *memory;
}

/// floor(bin / 2^shift).
int64_t coarser(int64_t bin, int shift) { return bin >> std::min(shift, 40); }

bool fits(int64_t first, int64_t last) { return last - first + 1 <= Histogram::kBins; }

int least_exponent(const MinMax& extremes) {
  const float lo = std::min(extremes.lo, 0.0f), hi = std::max(extremes.hi, 0.0f);
  const double span = static_cast<double>(hi) - lo;
  int exponent = span > 0 ? std::max(Histogram::kLeastExponent, std::ilogb(span) - 12) : Histogram::kLeastExponent;
  while (!fits(bin_of(lo, exponent), bin_of(hi, exponent))) ++exponent;
  return exponent;
}

/// The finite values of a block, moved together.
std::span<const float> finite_values(std::span<const float> block, float* out) {
  size_t count = 0;
  for (const float value : block) {
    out[count] = value;
    count += std::isfinite(value);
  }
  return {out, count};
}

/// Counts bins into the tables in turn.
void count_in_tables(const uint16_t* bins, size_t n, Scratch& memory) {
  size_t i = 0;
  for (; i + kCounters <= n; i += kCounters)
    for (size_t k = 0; k < kCounters; ++k) ++memory.tables[k][bins[i + k]];
  for (; i < n; ++i) ++memory.tables[0][bins[i]];
}

void move_tables(Scratch& memory, std::vector<uint64_t>& counts) {
  for (auto& table : memory.tables) {
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += table[i];
    std::fill_n(table, counts.size(), 0u);
  }
}

}  // namespace

int64_t bin_of(float value, int exponent) {
  const double bin = std::floor(std::ldexp(static_cast<double>(value), -exponent));
  return static_cast<int64_t>(std::clamp(bin, -0x1p62, 0x1p62));
}

double Histogram::bin_width() const { return std::ldexp(1.0, exponent_); }

bool Histogram::covers(const MinMax& extremes) const {
  const auto end = first_ + static_cast<int64_t>(counts_.size());
  return !counts_.empty() && bin_of(extremes.lo, exponent_) >= first_ && bin_of(extremes.hi, exponent_) < end;
}

/// Makes the bins of the extremes and of zero be there. No value may wait in the tables.
void Histogram::cover(const MinMax& extremes) {
  const int exponent = std::max(exponent_, least_exponent(extremes));
  cover_bins(exponent, std::min<int64_t>(bin_of(extremes.lo, exponent), 0), std::max<int64_t>(bin_of(extremes.hi, exponent), 0));
}

/// Widens the bins to `exponent`, and further while the bins there and [first, last] are too many; then makes them all be there.
void Histogram::cover_bins(int exponent, int64_t first, int64_t last) {
  const auto end = first_ + static_cast<int64_t>(counts_.size()) - 1;
  for (int shift = exponent - exponent_; !counts_.empty(); ++shift, ++exponent, first = coarser(first, 1), last = coarser(last, 1)) {
    const auto least = std::min(first, coarser(first_, shift)), greatest = std::max(last, coarser(end, shift));
    if (!fits(least, greatest)) continue;
    first = least;
    last = greatest;
    break;
  }
  std::vector<uint64_t> counts(static_cast<size_t>(last - first + 1));
  for (size_t i = 0; i < counts_.size(); ++i)
    counts[static_cast<size_t>(coarser(first_ + static_cast<int64_t>(i), exponent - exponent_) - first)] += counts_[i];
  counts_.swap(counts);
  exponent_ = exponent;
  first_ = first;
}

/// The block's bins, counted at once when the values are few, else into the tables.
void Histogram::count(std::span<const float> finite, bool few) {
  Scratch& memory = scratch();
  observe::kernels().bins(finite.data(), finite.size(), std::ldexp(1.0f, -exponent_), static_cast<int32_t>(first_), memory.bins);
  total_ += finite.size();
  if (!few) return count_in_tables(memory.bins, finite.size(), memory);
  for (size_t i = 0; i < finite.size(); ++i) ++counts_[memory.bins[i]];
}

Seen Histogram::observe(std::span<const float> values, SampleId) {
  Seen all;
  const bool few = values.size() < kFewValues;
  while (!values.empty()) {
    auto block = values.first(std::min(kBlock, values.size()));
    values = values.subspan(block.size());
    const Seen seen = scan(block);
    all.merge(seen);
    if (seen.nan_count + seen.inf_count > 0) block = finite_values(block, scratch().finite);
    if (block.empty()) continue;
    if (!covers(seen.extremes)) {
      if (!few) move_tables(scratch(), counts_);
      cover(seen.extremes);
    }
    count(block, few);
  }
  if (!few) move_tables(scratch(), counts_);
  return all;
}

void Histogram::merge(const Histogram& other) {
  if (other.empty()) return;
  const auto last = other.first_ + static_cast<int64_t>(other.counts_.size()) - 1;
  const int exponent = std::max(exponent_, other.exponent_), shift = exponent - other.exponent_;
  cover_bins(exponent, coarser(other.first_, shift), coarser(last, shift));
  const int now = exponent_ - other.exponent_;
  for (size_t i = 0; i < other.counts_.size(); ++i)
    counts_[static_cast<size_t>(coarser(other.first_ + static_cast<int64_t>(i), now) - first_)] += other.counts_[i];
  total_ += other.total_;
}

Histogram Histogram::widened(int exponent) const {
  Histogram result = *this;
  const int shift = std::max(0, exponent - exponent_);
  const auto last = first_ + static_cast<int64_t>(counts_.size()) - 1;
  if (!empty()) result.cover_bins(exponent_ + shift, coarser(first_, shift), coarser(last, shift));
  return result;
}

}  // namespace qtool
