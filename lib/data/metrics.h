#pragma once
// Measures of accuracy, one number for a whole set of samples. Each sample gives a small Score on its own (by any thread); scores are
// added in the order of the samples, so the result does not depend on threads, and memory does not grow.

#include <map>
#include <optional>
#include <string_view>

#include "tensor/tensor.h"

namespace qtool {

enum class MetricKind {
  top1,    ///< share of samples whose label has the largest output (of equal ones the first)
  top5,    ///< ... is among the five largest
  mse,     ///< mean of (output - baseline)^2 over all elements of all samples
  cosine,  ///< mean over the samples of <output, baseline> / (|output| |baseline|); 1 where both are zero, 0 where one is
  sqnr,    ///< 10 log10(sum baseline^2 / sum (output - baseline)^2) in dB over all elements; infinite without error
};

std::optional<MetricKind> metric_named(std::string_view name);
std::string_view name_of(MetricKind kind);
bool needs_labels(MetricKind kind);      ///< else it needs the baseline's output
bool higher_is_better(MetricKind kind);  ///< all but mse
/// How much worse `value` is than `reference`, in the metric's unit; negative where it is better.
double drop(MetricKind kind, double reference, double value);

/// What one sample adds: value = sum / weight over all samples (sqnr: in dB).
struct Score {
  double sum = 0, weight = 0;
};

/// `output` is the scores of one sample (a batch of 1, any numeric type). Error(invalid_file) where label is no index of it.
Score score_label(MetricKind kind, const Tensor& output, int64_t label);
/// Error(invalid_file) where the sizes differ.
Score score_baseline(MetricKind kind, const Tensor& output, const Tensor& baseline);

/// Adds scores in the order of their positions 0, 1, 2, ... whatever order they arrive in; a skipped sample adds an empty Score.
/// Holds only what arrived too early. Not thread-safe.
class Metric {
 public:
  explicit Metric(MetricKind kind) : kind_(kind) {}
  void add(size_t position, const Score& score);
  MetricKind kind() const { return kind_; }
  size_t samples() const { return samples_; }  ///< with weight, added so far
  double value() const;                        ///< NaN without samples
 private:
  void take(const Score& score);
  MetricKind kind_;
  double sum_ = 0, weight_ = 0;
  size_t samples_ = 0, next_ = 0;
  std::map<size_t, Score> early_;
};

}  // namespace qtool
