#include "data/metrics.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <random>

#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;
using Catch::Matchers::WithinRel;

namespace {

Tensor row(const std::vector<float>& values) { return Tensor::of<float>({1, static_cast<int64_t>(values.size())}, values); }

double of_label(MetricKind kind, const std::vector<float>& values, int64_t label) {
  Metric metric(kind);
  metric.add(0, score_label(kind, row(values), label));
  return metric.value();
}

double of_baseline(MetricKind kind, const std::vector<std::pair<std::vector<float>, std::vector<float>>>& samples) {
  Metric metric(kind);
  for (size_t i = 0; i < samples.size(); ++i) metric.add(i, score_baseline(kind, row(samples[i].first), row(samples[i].second)));
  return metric.value();
}

}  // namespace

TEST_CASE("metrics: top1 takes the first of equal outputs, as numpy's argmax") {
  CHECK(of_label(MetricKind::top1, {1, 3, 2}, 1) == 1);
  CHECK(of_label(MetricKind::top1, {1, 3, 2}, 2) == 0);
  CHECK(of_label(MetricKind::top1, {3, 3, 2}, 0) == 1);
  CHECK(of_label(MetricKind::top1, {3, 3, 2}, 1) == 0);
}

TEST_CASE("metrics: an output with NaN has no right answer") {
  const float nan = std::nanf("");
  CHECK(of_label(MetricKind::top1, {nan, 3, 2}, 1) == 0);
  CHECK(of_label(MetricKind::top1, {nan, 3, 2}, 0) == 0);
}

TEST_CASE("metrics: top5") {
  CHECK(of_label(MetricKind::top5, {9, 8, 7, 6, 5, 4}, 4) == 1);
  CHECK(of_label(MetricKind::top5, {9, 8, 7, 6, 5, 4}, 5) == 0);
  CHECK(of_label(MetricKind::top5, {1, 2}, 0) == 1);
}

TEST_CASE("metrics: labels outside the classes, batches") {
  CHECK(error_of([] { score_label(MetricKind::top1, row({1, 2}), 2); }) == "3: label 2: the output has 2 classes");
  CHECK(error_of([] { score_label(MetricKind::top1, Tensor::zeros(DType::float32, {2, 2}), 0); }).starts_with("3: output of shape 2x2"));
  CHECK(score_label(MetricKind::top1, Tensor::of<int64_t>({1, 2, 1}, {1, 2}), 1).sum == 1);
}

TEST_CASE("metrics: mse is over all elements of all samples") {
  CHECK(of_baseline(MetricKind::mse, {{{1, 2}, {1, 4}}, {{0}, {1}}}) == (4.0 + 1.0) / 3);
}

TEST_CASE("metrics: cosine is the mean over samples") {
  CHECK_THAT(of_baseline(MetricKind::cosine, {{{1, 0}, {1, 1}}, {{2, 2}, {1, 1}}}), WithinRel((std::sqrt(0.5) + 1) / 2, 1e-15));
  CHECK(of_baseline(MetricKind::cosine, {{{0, 0}, {0, 0}}}) == 1);
  CHECK(of_baseline(MetricKind::cosine, {{{0, 0}, {1, 0}}}) == 0);
}

TEST_CASE("metrics: sqnr is of the sums, in dB") {
  CHECK_THAT(of_baseline(MetricKind::sqnr, {{{10}, {11}}, {{3}, {3}}}), WithinRel(10 * std::log10((121.0 + 9) / 1), 1e-15));
  CHECK(std::isinf(of_baseline(MetricKind::sqnr, {{{3}, {3}}})));
}

TEST_CASE("metrics: outputs of other sizes cannot be compared") {
  CHECK(error_of([] { score_baseline(MetricKind::mse, row({1}), row({1, 2})); }) == "3: output of shape 1x1, the baseline's is 1x2");
}

TEST_CASE("metrics: the order of arrival changes nothing, to the bit") {
  std::mt19937 random(3);
  std::vector<Score> scores;
  for (int i = 0; i < 200; ++i) scores.push_back({static_cast<double>(random()) / 7, 1});
  scores[50] = {};  // skipped
  std::vector<size_t> order(scores.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  Metric straight(MetricKind::cosine), shuffled(MetricKind::cosine);
  for (const size_t i : order) straight.add(i, scores[i]);
  std::shuffle(order.begin(), order.end(), random);
  for (const size_t i : order) shuffled.add(i, scores[i]);
  CHECK(straight.value() == shuffled.value());
  CHECK(shuffled.samples() == 199);
}

TEST_CASE("metrics: names, directions and the drop in the metric's own unit") {
  for (const auto* name : {"top1", "top5", "mse", "cosine", "sqnr"}) CHECK(name_of(metric_named(name).value()) == name);
  CHECK_FALSE(metric_named("f1"));
  CHECK(drop(MetricKind::top1, 0.9, 0.8) > 0);
  CHECK(drop(MetricKind::mse, 0.1, 0.2) > 0);
  CHECK(drop(MetricKind::sqnr, INFINITY, INFINITY) == 0);
}
