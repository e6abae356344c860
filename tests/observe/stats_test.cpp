#include "observe/stats.h"

#include <catch2/catch_test_macros.hpp>

#include "base/error.h"

using namespace qtool;

namespace {

/// What one sample leaves behind.
Stats stats_of(const std::string& sample, const std::vector<float>& values) {
  Stats stats;
  stats.model = "abc";
  stats.samples = {sample};
  stats.tensors["x"].observe(values, SampleId(sample));
  stats.tensors["/If_0/then_branch/y"].observe(std::vector<float>{1}, SampleId(sample));
  stats.tensors["never"];
  return stats;
}

std::string error_of(const std::string& text) {
  try {
    Stats::parse(text, "s.json");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::invalid_file);
    return error.what();
  }
  return "";
}

std::string with_tensor(const std::string& tensor) {
  return R"({"format": "qtool.stats", "version": 1, "model": "abc", "samples": [], "tensors": {"x": )" + tensor + "}}";
}

}  // namespace

TEST_CASE("stats: JSON and back is the same, byte for byte") {
  const Stats stats = stats_of("a/1.png", {-1.5f, 0.0f, 0.1f, 3e38f});
  const std::string text = stats.to_json();
  CHECK(Stats::parse(text, "s.json") == stats);
  CHECK(Stats::parse(text, "s.json").to_json() == text);
}

TEST_CASE("stats: shards merge in any order to the same bytes") {
  Stats ab = stats_of("a", {1, 2}), ba = stats_of("b", {-3, 4});
  ab.merge(stats_of("b", {-3, 4}));
  ba.merge(stats_of("a", {1, 2}));
  CHECK(ab.to_json() == ba.to_json());
}

TEST_CASE("stats: of another model, or with a sample twice, do not merge") {
  Stats stats = stats_of("a", {1}), other = stats_of("b", {1});
  other.model = "def";
  CHECK_THROWS_AS(stats.merge(other), Error);
  CHECK_THROWS_AS(stats.merge(stats_of("a", {1})), Error);
}

TEST_CASE("stats: a file that is none names file and place") {
  CHECK(error_of("") == "s.json: is not a statistics file of qtool");
  CHECK(error_of("{}") == "s.json: is not a statistics file of qtool");
  CHECK(error_of(R"({"format": "qtool.stats", "version": 2})") == "s.json: /version: 2 is not 1");
  CHECK(error_of(std::string(200000, '[')) == "s.json: nested deeper than 16");
  CHECK(error_of(with_tensor("1")) == "s.json: /tensors/x: statistics: \"elements\" is missing");
}

TEST_CASE("stats: parts that contradict each other are refused") {
  const auto tensor = [](const std::string& elements, const std::string& extremes, const std::string& samples,
                         const std::string& histogram) {
    return with_tensor(R"({"elements": )" + elements + R"(, "nan": 0, "inf": 0, "extremes": )" + extremes + R"(, "samples": )" + samples +
                       R"(, "histogram": )" + histogram + "}");
  };
  const std::string histogram = R"({"exponent": -11, "first": 0, "counts": [1, -2047, 1]})";
  CHECK(error_of(tensor("2", "[0, 1]", R"([["a", 0, 1]])", histogram)) == "");
  CHECK(error_of(tensor("3", "[0, 1]", "null", histogram)) == "s.json: /tensors/x: statistics: the histogram does not hold all values");
  CHECK(error_of(tensor("2", "[0, 2]", "null", histogram)) ==
        "s.json: /tensors/x: statistics: the histogram does not reach from the least to the greatest value");
  CHECK(error_of(tensor("2", "null", "null", "null")) == "s.json: /tensors/x: statistics: extremes do not fit the number of values");
  CHECK(error_of(tensor("2", "[1, 0]", "null", "null")) == "s.json: /tensors/x: extremes: the least is above the greatest");
  CHECK(error_of(tensor("2", "[0, 1e39]", "null", "null")) == "s.json: /tensors/x: extremes: the number does not fit a float");
  CHECK(error_of(tensor("-2", "[0, 1]", "null", "null")) == "s.json: /tensors/x: elements: a count is expected");
  CHECK(error_of(tensor("2", "[0, 1]", R"([["b", 0, 1], ["a", 0, 1]])", histogram)) ==
        "s.json: /tensors/x: samples: \"a\" is not in natural order");
  CHECK(error_of(tensor("2", "[0, 1]", R"([["a", 0]])", histogram)) == "s.json: /tensors/x: samples: [id, least, greatest] is expected");
}
