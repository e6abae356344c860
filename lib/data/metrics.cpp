#include "data/metrics.h"

#include <array>
#include <cmath>
#include <limits>

namespace qtool {
namespace {

struct Row {
  MetricKind kind;
  std::string_view name;
  bool labels, higher;
};
constexpr std::array kRows{Row{MetricKind::top1, "top1", true, true}, Row{MetricKind::top5, "top5", true, true},
                           Row{MetricKind::mse, "mse", false, false}, Row{MetricKind::cosine, "cosine", false, true},
                           Row{MetricKind::sqnr, "sqnr", false, true}};

const Row& row(MetricKind kind) { return kRows[static_cast<size_t>(kind)]; }

Tensor as_float(const Tensor& tensor) {
  return tensor.dtype() == DType::float32 || tensor.dtype() == DType::float64 ? tensor : tensor.cast(DType::float32);
}

template <class F>
auto with_values(const Tensor& tensor, F&& f) {
  const Tensor wide = as_float(tensor);
  return wide.dtype() == DType::float64 ? f(wide.data<double>()) : f(wide.floats());
}

/// Outputs that come before the label's: larger, or equal and in front. NaN comes before everything.
template <class T>
int64_t rank_of(std::span<const T> values, size_t label) {
  int64_t before = std::isnan(values[label]) ? std::numeric_limits<int64_t>::max() / 2 : 0;
  for (size_t i = 0; i < values.size(); ++i) before += !(values[i] <= values[label]) || (values[i] == values[label] && i < label);
  return before;
}

/// Sums over one sample in double.
struct Sums {
  double error = 0, output = 0, baseline = 0, product = 0;
};

template <class A, class B>
Sums sums_of(std::span<const A> output, std::span<const B> baseline) {
  Sums sums;
  for (size_t i = 0; i < output.size(); ++i) {
    const double x = output[i], y = baseline[i];
    sums.error += (x - y) * (x - y);
    sums.output += x * x;
    sums.baseline += y * y;
    sums.product += x * y;
  }
  return sums;
}

double cosine_of(const Sums& sums) {
  if (sums.output == 0 && sums.baseline == 0) return 1;
  if (sums.output == 0 || sums.baseline == 0) return 0;
  return sums.product / (std::sqrt(sums.output) * std::sqrt(sums.baseline));
}

}  // namespace

std::optional<MetricKind> metric_named(std::string_view name) {
  for (const Row& candidate : kRows)
    if (candidate.name == name) return candidate.kind;
  return std::nullopt;
}

std::string_view name_of(MetricKind kind) { return row(kind).name; }
bool needs_labels(MetricKind kind) { return row(kind).labels; }
bool higher_is_better(MetricKind kind) { return row(kind).higher; }

double drop(MetricKind kind, double reference, double value) {
  if (reference == value) return 0;  // also of infinities
  return higher_is_better(kind) ? reference - value : value - reference;
}

Score score_label(MetricKind kind, const Tensor& output, int64_t label) {
  if (output.rank() > 1 && output.shape()[0] != 1)
    throw invalid_file("output of shape " + to_string(output.shape()) + ": expected the scores of one sample for its one label");
  if (label < 0 || label >= output.size())
    throw invalid_file("label " + std::to_string(label) + ": the output has " + std::to_string(output.size()) + " classes");
  const int64_t rank = with_values(output, [&](auto values) { return rank_of(values, static_cast<size_t>(label)); });
  return {rank < (kind == MetricKind::top1 ? 1 : 5) ? 1.0 : 0.0, 1};
}

Score score_baseline(MetricKind kind, const Tensor& output, const Tensor& baseline) {
  if (output.size() != baseline.size())
    throw invalid_file("output of shape " + to_string(output.shape()) + ", the baseline's is " + to_string(baseline.shape()));
  const Sums sums = with_values(output, [&](auto x) { return with_values(baseline, [&](auto y) { return sums_of(x, y); }); });
  if (kind == MetricKind::cosine) return {cosine_of(sums), 1};
  if (kind == MetricKind::sqnr) return {sums.baseline, sums.error};
  return {sums.error, static_cast<double>(output.size())};
}

void Metric::take(const Score& score) {
  ++next_;
  if (score.sum == 0 && score.weight == 0) return;
  ++samples_;
  sum_ += score.sum;
  weight_ += score.weight;
}

void Metric::add(size_t position, const Score& score) {
  if (position != next_) {
    early_.emplace(position, score);
    return;
  }
  take(score);
  for (auto at = early_.find(next_); at != early_.end(); at = early_.find(next_)) {
    take(at->second);
    early_.erase(at);
  }
}

double Metric::value() const {
  if (samples_ == 0) return std::numeric_limits<double>::quiet_NaN();
  if (kind_ == MetricKind::sqnr) return 10 * std::log10(sum_ / weight_);
  return sum_ / weight_;
}

}  // namespace qtool
