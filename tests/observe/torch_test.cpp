// Against torch.ao's observers, recorded by record_torch.py.

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "observe/range.h"
#include "tests/observe/values.h"

using namespace qtool;
using nlohmann::json;

namespace {

struct Scheme {
  DType dtype;
  CodeRange codes;
  bool symmetric;
};

Scheme scheme_named(const std::string& name) {
  if (name == "u8_affine") return {DType::uint8, {0, 255}, false};
  if (name == "u8_reduced") return {DType::uint8, {0, 127}, false};
  if (name == "u4_affine") return {DType::uint8, {0, 15}, false};
  return {DType::int8, {-127, 127}, true};
}

const json& recorded() {
  static const json all = json::parse(std::ifstream(QTOOL_SOURCE_DIR "/testdata/observe/torch.json"));
  return all.at("rows");
}

/// Four samples named so that their natural order is the order torch saw them in, observed backwards.
TensorStatistics statistics_of(const std::vector<float>& values) {
  TensorStatistics statistics;
  const size_t batch = values.size() / 4;
  for (int i = 3; i >= 0; --i)
    statistics.observe(std::span(values).subspan(static_cast<size_t>(i) * batch, batch), SampleId("s" + std::to_string(8 + i)));
  return statistics;
}

RangeOptions options_of(const Scheme& scheme) {
  RangeOptions options{.codes = scheme.codes, .symmetric = scheme.symmetric};
  return options;
}

QuantParams params(const std::string& observer, const TensorStatistics& statistics, const Scheme& scheme) {
  const auto range = choose_range(observer, statistics, options_of(scheme));
  return params_of_range(*range, scheme.dtype, scheme.codes, scheme.symmetric, 1.1920929e-07f);
}

double squared_error(const std::vector<float>& values, const QuantParams& params, CodeRange codes) {
  double error = 0;
  for (const float value : values) {
    const int32_t code = quantize_value(value, params.scale(), params.zero_point(), codes);
    const double difference = static_cast<double>(value) - dequantize_value(code, params.scale(), params.zero_point());
    error += difference * difference;
  }
  return error;
}

}  // namespace

TEST_CASE("minmax families equal torch's to the bit") {
  for (const json& row : recorded()) {
    CAPTURE(row.at("values"), row.at("scheme"));
    const auto values = testing::values_of(row.at("values"));
    const Scheme scheme = scheme_named(row.at("scheme"));
    const auto statistics = statistics_of(values);
    for (const char* observer : {"minmax", "moving_average_minmax"}) {
      CAPTURE(observer);
      const json& torch = row.at(observer);
      const auto range = choose_range(observer, statistics, options_of(scheme));
      CHECK(range->lo == torch.at("lo").get<float>());
      CHECK(range->hi == torch.at("hi").get<float>());
      const auto ours = params(observer, statistics, scheme);
      CHECK(ours.scale() == torch.at("scale").get<float>());
      CHECK(ours.zero_point() == torch.at("zero_point").get<int>());
    }
  }
}

TEST_CASE("per_channel_minmax families equal torch's to the bit") {
  int rows = 0;
  for (const json& row : recorded()) {
    if (!row.contains("per_channel_minmax")) continue;
    CAPTURE(row.at("values"));
    const auto values = testing::values_of(row.at("values"));
    const Scheme scheme = scheme_named(row.at("scheme"));
    const json& torch = row.at("per_channel_minmax");
    const auto weight = Tensor::of<float>({8, static_cast<int64_t>(values.size() / 8)}, values);
    for (const char* observer : {"per_channel_minmax", "moving_average_per_channel_minmax"}) {  // a weight is seen once: no average
      const auto ranges = choose_weight_ranges(observer, weight, 0, options_of(scheme));
      const auto ours = params_of_ranges(ranges, 0, scheme.dtype, scheme.codes, scheme.symmetric, 1.1920929e-07f);
      CHECK(ours.scales == torch.at("scale").get<std::vector<float>>());
      CHECK(ours.zero_points == torch.at("zero_point").get<std::vector<int32_t>>());
    }
    ++rows;
  }
  CHECK(rows == 9);
}

TEST_CASE("histogram: the quantization error is not larger than torch's") {
  double product = 1;
  int rows = 0;
  for (const json& row : recorded()) {
    CAPTURE(row.at("values"), row.at("scheme"));
    const auto values = testing::values_of(row.at("values"));
    const Scheme scheme = scheme_named(row.at("scheme"));
    const json& torch = row.at("histogram");
    const QuantParams theirs{scheme.dtype, -1, {torch.at("scale").get<float>()}, {torch.at("zero_point").get<int32_t>()}};
    const auto ours = params("histogram", statistics_of(values), scheme);
    const double ratio = squared_error(values, ours, scheme.codes) / squared_error(values, theirs, scheme.codes);
    CHECK(ratio <= 1.005);  // both see the values through bins: of 8000 rounding errors one part in 200 is chance
    product *= ratio;
    ++rows;
  }
  CHECK(std::pow(product, 1.0 / rows) < 1.0);
}
