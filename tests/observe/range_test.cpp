#include "observe/range.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <set>
#include <span>

#include "base/error.h"
#include "observe/moments.h"
#include "tests/observe/values.h"

using namespace qtool;
using Catch::Matchers::WithinRel;

namespace {

const char* const kKinds[] = {"uniform", "bell", "relu", "heavy", "heavy_relu", "outliers", "shifted", "negative", "tiny"};

TensorStatistics statistics_of(const std::vector<float>& values) {
  TensorStatistics statistics;
  statistics.observe(values, SampleId("a"));
  return statistics;
}

double squared_error(const std::vector<float>& values, Range range, const RangeOptions& options) {
  const QuantParams params = params_of_range(range, options.codes.lo < 0 ? DType::int8 : DType::uint8, options.codes, options.symmetric, 0);
  double error = 0;
  for (const float value : values) {
    const int32_t code = quantize_value(value, params.scale(), params.zero_point(), options.codes);
    const double difference = static_cast<double>(value) - dequantize_value(code, params.scale(), params.zero_point());
    error += difference * difference;
  }
  return error;
}

/// Least error over a fine grid of both ends, on the values themselves.
double best_error(const std::vector<float>& values, const MinMax& extremes, const RangeOptions& options) {
  const double lo = std::min(extremes.lo, 0.0f), hi = std::max(extremes.hi, 0.0f);
  double best = INFINITY;
  for (int i = 1; i <= 50; ++i)
    for (int k = 1; k <= 50; ++k) {
      if (options.symmetric && i != k) continue;
      const double bound = std::max(-lo, hi);
      const Range range{static_cast<float>((options.symmetric ? -bound : lo) * i / 50),
                        static_cast<float>((options.symmetric ? bound : hi) * k / 50)};
      best = std::min(best, squared_error(values, range, options));
    }
  return best;
}

}  // namespace

TEST_CASE("every rule: a range that is finite, ordered, within the extremes; none when nothing was seen") {
  for (const RangeRule& rule : range_rules())
    for (const char* kind : kKinds) {
      CAPTURE(rule.name, kind);
      const auto statistics = statistics_of(testing::values_of(kind));
      const auto range = choose_range(rule.name, statistics, {.codes = {0, 255}});
      REQUIRE(range);
      CHECK(range->lo <= range->hi);
      CHECK(range->lo >= std::min(statistics.extremes.lo, 0.0f));
      CHECK(range->hi <= std::max(statistics.extremes.hi, 0.0f));
      CHECK_FALSE(choose_range(rule.name, {}, {.codes = {0, 255}}));
    }
}

TEST_CASE("every rule: constant, zero and enormous tensors have valid parameters") {
  for (const RangeRule& rule : range_rules())
    for (const auto& values : {std::vector<float>{0, 0, 0}, {5, 5}, {-5, -5, -5}, {1e-42f}, {-3e38f, 3e38f}, {0, 1e-30f, 1e30f}})
      for (const bool symmetric : {false, true}) {
        CAPTURE(rule.name, values, symmetric);
        const RangeOptions options{.codes = {-127, 127}, .symmetric = symmetric};
        const auto range = choose_range(rule.name, statistics_of(values), options);
        REQUIRE(range);
        const auto params = params_of_range(*range, DType::int8, options.codes, symmetric, 1e-7f);
        CHECK((std::isfinite(params.scale()) && params.scale() > 0));
      }
}

TEST_CASE("histogram: as good as trying every pair of ends") {
  for (const char* kind : kKinds)
    for (const RangeOptions& options : {RangeOptions{.codes = {0, 255}}, {.codes = {0, 15}}, {.codes = {-127, 127}, .symmetric = true}}) {
      CAPTURE(kind, options.codes.lo, options.codes.hi);
      const auto values = testing::values_of(kind);
      const auto statistics = statistics_of(values);
      const auto range = choose_range("histogram", statistics, options);
      CHECK(squared_error(values, *range, options) <= 1.01 * best_error(values, statistics.extremes, options));
    }
}

TEST_CASE("histogram: three outliers that carry energy are not lost, a million small values notwithstanding") {
  auto values = testing::values_of("bell");
  values[0] = 1000.0f;
  const auto range = choose_range("histogram", statistics_of(values), {.codes = {0, 255}});
  CHECK(range->hi > 300.0f);
}

TEST_CASE("distribution: sums and quantiles of what the bins hold") {
  const Distribution values(statistics_of(testing::values_of("uniform")), Histogram::kBins);
  CHECK(values.all().count == 8000);
  CHECK(values.below(-2).count == 0);
  CHECK(values.below(2).count == 8000);
  CHECK_THAT(values.below(0.5).count, WithinRel(6000.0, 0.02));
  CHECK_THAT(values.all().squares, WithinRel(8000.0 / 3, 0.02));
  CHECK_THAT(values.below(values.quantile(1234.5)).count, WithinRel(1234.5, 1e-9));
}

TEST_CASE("the expected error is the measured one") {
  for (const char* kind : {"uniform", "bell", "heavy", "shifted"})
    for (const int64_t codes : {15, 255, 65535}) {
      CAPTURE(kind, codes);
      const auto values = testing::values_of(kind);
      const auto statistics = statistics_of(values);
      const RangeOptions options{.codes = {0, codes}};
      const Range range{statistics.extremes.lo / 2, statistics.extremes.hi / 2};
      const QuantParams params = params_of_range(range, DType::int32, options.codes, false, 0);
      const double expected =
          quantization_error(Distribution(statistics, Histogram::kBins), params.scale(), -params.zero_point(), codes - params.zero_point());
      double measured = 0;
      for (const float value : values)
        measured +=
            std::pow(value - static_cast<double>(dequantize_value(quantize_value(value, params.scale(), params.zero_point(), options.codes),
                                                                  params.scale(), params.zero_point())),
                     2);
      CHECK_THAT(expected, WithinRel(measured, 0.03));
    }
}

TEST_CASE("percentile: cuts its share at either end") {
  const auto values = testing::values_of("uniform");
  const auto range = choose_range("percentile", statistics_of(values), {.codes = {0, 255}, .percentile = 90});
  const auto inside = std::count_if(values.begin(), values.end(), [&](float v) { return v >= range->lo && v <= range->hi; });
  CHECK_THAT(static_cast<double>(inside), WithinRel(7200.0, 0.005));
  CHECK_THAT(range->hi, WithinRel(0.9, 0.02));
}

TEST_CASE("entropy: searches, and lets go of outliers") {
  const auto statistics = statistics_of(testing::values_of("outliers"));
  const auto range = choose_range("entropy", statistics, {.codes = {-127, 127}, .symmetric = true});
  CHECK(range->hi < 30.0f);
  CHECK(range->hi > 1.0f);
  CHECK(range->lo == -range->hi);
}

TEST_CASE("entropy: the zeros that Relu makes do not narrow the range") {
  testing::Random random(14);
  std::vector<float> values(200000);
  for (float& value : values) value = static_cast<float>(std::max(random.bell(), 0.0));
  CHECK(choose_range("entropy", statistics_of(values), {.codes = {0, 255}})->hi > 2.75f);
}

TEST_CASE("mse and octav: close to the least error that one factor allows") {
  for (const char* kind : kKinds) {
    CAPTURE(kind);
    const auto values = testing::values_of(kind);
    const RangeOptions options{.codes = {-127, 127}, .symmetric = true};
    const auto statistics = statistics_of(values);
    const double best = best_error(values, statistics.extremes, options);
    CHECK(squared_error(values, *choose_range("mse", statistics, options), options) <= 1.01 * best);
    CHECK(squared_error(values, *choose_range("octav", statistics, options), options) <= 1.25 * best);
  }
}

TEST_CASE("mse: a symmetric weight has a scale that no other betters by much, and no clipping where 8 bits need none") {
  testing::Random random(31);
  for (const CodeRange codes : {CodeRange{-127, 127}, CodeRange{-8, 7}, CodeRange{0, 255}})
    for (const int length : {24, 128, 1000}) {
      std::vector<float> values(static_cast<size_t>(length));
      for (float& value : values) value = static_cast<float>(random.bell());
      const RangeOptions options{.codes = codes, .symmetric = true};
      const DType dtype = codes.lo == 0 ? DType::uint8 : DType::int8;
      const auto error = [&](Range range) {
        const Tensor weight = Tensor::of<float>({length}, values);
        const Tensor back = fake_quantize(weight, params_of_range(range, dtype, codes, true, 1e-9f), codes);
        double sum = 0;
        for (int64_t i = 0; i < length; ++i) sum += std::pow(back.number_at(i) - weight.number_at(i), 2);
        return sum;
      };
      const Tensor weight = Tensor::of<float>({length}, values);
      const Range whole = choose_weight_ranges("minmax", weight, -1, options)[0],
                  found = choose_weight_ranges("mse", weight, -1, options)[0];
      const float largest = std::max(-whole.lo, whole.hi);
      double least = error(whole);
      for (int i = 0; i < 3000; ++i) {
        const float bound = largest * (0.6f + 0.6f * static_cast<float>(i) / 3000);
        least = std::min(least, error({-bound, bound}));
      }
      CAPTURE(codes.lo, length, found.hi, largest);
      CHECK(error(found) <= 1.05 * least);
      CHECK(error(found) < error(whole));
    }
  const Tensor odd = Tensor::of<float>({4}, {0, 0, 0, 0}), one = Tensor::of<float>({1}, {-3});
  CHECK(choose_weight_ranges("mse", odd, -1, {.codes = {-127, 127}, .symmetric = true})[0] == Range{0, 0});
  CHECK(std::fabs(choose_weight_ranges("mse", one, -1, {.codes = {-127, 127}, .symmetric = true})[0].hi - 3) < 1.6f);
}

TEST_CASE("bins: a rule looks at no more than it is told to") {
  const auto statistics = statistics_of(testing::values_of("bell"));
  const auto coarse = choose_range("entropy", statistics, {.codes = {0, 15}, .bins = 256});
  CHECK(coarse->hi < statistics.extremes.hi);
  CHECK(std::fmod(coarse->hi, 1.0f / 16) == 0);  // 256 bins over -4.2..4.2 are 2^-4 wide
}

TEST_CASE("moving average: folded in natural order of the samples, whatever order they came in") {
  TensorStatistics statistics;
  for (const auto& [id, hi] : {std::pair{"s10", 4.0f}, {"s2", 1.0f}, {"s9", 2.0f}})
    statistics.observe(std::vector<float>{0.0f, hi}, SampleId(id));
  const auto range = choose_range("moving_average_minmax", statistics, {.codes = {0, 255}, .averaging_constant = 0.5});
  CHECK(range->hi == 2.75f);  // ((1 + 2) / 2 + 4) / 2
}

TEST_CASE("a rule that needs a histogram says so when there is none") {
  TensorStatistics statistics;
  statistics.observe(std::vector<float>{1, 2}, SampleId("a"), Detail::extremes);
  CHECK_THROWS_AS(choose_range("percentile", statistics, {.codes = {0, 255}}), Error);
  CHECK(choose_range("minmax", statistics, {.codes = {0, 255}}) == Range{1, 2});
}

TEST_CASE("weights: a range for each slice along the axis, with every rule") {
  const auto weight = Tensor::of<float>({2, 3, 2}, {1, -1, 2, -2, 3, -3, 10, 0, 20, 0, 30, 0});
  for (const RangeRule& rule : range_rules()) {
    CAPTURE(rule.name);
    const RangeOptions options{.codes = {-127, 127}, .symmetric = true, .percentile = 100};
    CHECK(choose_weight_ranges(rule.name, weight, 0, options).size() == 2);
    CHECK(choose_weight_ranges(rule.name, weight, 1, options).size() == 3);
    CHECK(choose_weight_ranges(rule.name, weight, -1, options).size() == 1);
  }
  CHECK(choose_weight_ranges("per_channel_minmax", weight, 1, {.codes = {-127, 127}}) == std::vector<Range>{{-1, 10}, {-2, 20}, {-3, 30}});
  CHECK(choose_weight_ranges("minmax", Tensor::of<float>({2, 0}, {}), 0, {.codes = {-127, 127}}) == std::vector<Range>{{0, 0}, {0, 0}});
}

TEST_CASE("parameters: power-of-two scales are rounded up and keep zero a code") {
  const auto affine = params_of_range({-1, 2}, DType::uint8, {0, 255}, false, 1e-7f, true);
  CHECK(affine.scale() == 0.015625f);
  CHECK(affine.zero_point() == 64);
  CHECK(params_of_range({-127, 127}, DType::int8, {-127, 127}, true, 1e-7f, true).scale() == 1.0f);
  const auto channels = params_of_ranges(std::vector<Range>{{-1, 1}, {0, 254}}, 0, DType::int8, {-127, 127}, true, 1e-7f);
  CHECK(channels.axis == 0);
  CHECK(channels.scales == std::vector<float>{1.0f / 127, 2.0f});
  CHECK(channels.zero_points == std::vector<int32_t>{0, 0});
}

TEST_CASE("ranges.inc: names are unique") {
  std::set<std::string_view> names;
  for (const RangeRule& rule : range_rules()) CHECK(names.insert(rule.name).second);
}

TEST_CASE("power of two: scales are rounded up to the next one, those that are one stay; zero stays a code") {
  const QuantParams affine = params_of_range({-1, 3}, DType::uint8, {0, 255}, false, 1.1920929e-07f, true);
  CHECK(affine.scale() == 0x1p-5f);  // 4 / 255 is a little above 2^-6
  CHECK(affine.zero_point() == 32);
  const QuantParams symmetric = params_of_range({-0.5f, 127.0f / 128}, DType::int8, {-127, 127}, true, 1.1920929e-07f, true);
  CHECK(symmetric.scale() == 0x1p-7f);
  CHECK(symmetric.zero_point() == 0);
  const Range ranges[] = {{-1, 1}, {-100, 3}};
  const QuantParams channels = params_of_ranges(ranges, 0, DType::int8, {-127, 127}, true, 1.1920929e-07f, true);
  CHECK(channels.scales == std::vector<float>{0x1p-6f, 1});
}
