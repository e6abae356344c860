#include "debug/causes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/registry.h"

namespace qtool::debug {

#define DEBUG_CAUSE(name) std::optional<Cause> name(const Situation&);
#include "debug/causes.inc"
#undef DEBUG_CAUSE

namespace {

struct Row {
  const char* name;
  CauseRule rule;
};

constexpr Row kRules[] = {
#define DEBUG_CAUSE(name) {#name, name},
#include "debug/causes.inc"
#undef DEBUG_CAUSE
};

bool saturates_here() {
#if defined(__x86_64__)
  const auto used = [](kernels::Isa isa) { return kernels::runs_here(isa) && kernels::within_limit(isa); };
  return !used(kernels::Isa::avx512) && used(kernels::Isa::avx2);
#else
  return false;
#endif
}

double mean_square(const Histogram& histogram) {
  double sum = 0;
  for (size_t i = 0; i < histogram.counts().size(); ++i) {
    const double value = (static_cast<double>(histogram.first_bin() + static_cast<int64_t>(i)) + 0.5) * histogram.bin_width();
    sum += value * value * static_cast<double>(histogram.counts()[i]);
  }
  return sum / std::max<double>(1, static_cast<double>(histogram.total()));
}

}  // namespace

void find_causes(const Network& network, const Measures& measures, Report& report, std::optional<bool> saturates) {
  for (size_t i = 0; i < report.nodes.size(); ++i) {
    if (!report.nodes[i].quantized) continue;
    std::vector<Cause> causes;
    for (const Row& row : kRules)
      if (auto cause = row.rule({network, measures, report, i, saturates.value_or(saturates_here())})) {
        cause->rule = row.name;
        causes.push_back(std::move(*cause));
      }
    std::stable_sort(causes.begin(), causes.end(), [](const Cause& a, const Cause& b) { return a.weight > b.weight; });
    report.nodes[i].causes = std::move(causes);
  }
}

double clipping_noise(const Situation& situation) {
  const Parameters* told = situation.parameters();
  const Histogram& histogram = situation.measure().histogram;
  if (!told || histogram.empty()) return 0;
  double sum = 0;
  for (size_t i = 0; i < histogram.counts().size(); ++i) {
    const double value = (static_cast<double>(histogram.first_bin() + static_cast<int64_t>(i)) + 0.5) * histogram.bin_width();
    const double off = value > told->hi ? value - told->hi : value < told->lo ? told->lo - value : 0;
    sum += off * off * static_cast<double>(histogram.counts()[i]);
  }
  const double square = mean_square(histogram);
  return square > 0 ? sum / static_cast<double>(histogram.total()) / square : 0;
}

double rounding_noise(const Situation& situation) {
  const Parameters* told = situation.parameters();
  const double square = mean_square(situation.measure().histogram);
  return told && square > 0 ? told->scale * told->scale / 12 / square : 0;
}

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof(text), share < 0.001 ? "%.3f %%" : "%.1f %%", 100 * share);
  return text;
}

std::string interval(double lo, double hi) { return "[" + digits(lo) + ", " + digits(hi) + "]"; }

}  // namespace qtool::debug
