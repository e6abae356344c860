#include "observe/histogram.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "observe/kernels/scan_count.h"

using namespace qtool;

namespace {

Histogram histogram_of(const std::vector<float>& values) {
  Histogram result;
  result.observe(values);
  return result;
}

uint64_t count_at(const Histogram& histogram, float value) {
  return histogram.counts()[static_cast<size_t>(bin_of(value, histogram.exponent()) - histogram.first_bin())];
}

}  // namespace

TEST_CASE("histogram: bins are a power of two wide, anchored at zero, and as narrow as 4096 of them allow") {
  const auto one_sided = histogram_of({0.0f, 1.0f});
  CHECK(one_sided.exponent() == -11);  // 2^-12 would need bins 0..4096, one too many
  CHECK(one_sided.first_bin() == 0);
  CHECK(one_sided.counts().size() == 2049);
  const auto below = histogram_of({0.0f, std::nextafter(1.0f, 0.0f)});
  CHECK(below.exponent() == -12);
  const auto both = histogram_of({-1.0f, 1.0f});
  CHECK(both.exponent() == -10);
  CHECK(both.first_bin() == -1024);
  CHECK(count_at(both, -1.0f) == 1);
  CHECK(count_at(both, 1.0f) == 1);
}

TEST_CASE("histogram: every value is in its own bin") {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(30000);
  for (float& value : values) value = normal(random);
  const auto histogram = histogram_of(values);
  std::vector<uint64_t> expected(histogram.counts().size());
  for (const float value : values)
    ++expected[static_cast<size_t>(std::floor(static_cast<double>(value) / histogram.bin_width()) -
                                   static_cast<double>(histogram.first_bin()))];
  CHECK(std::vector<uint64_t>(histogram.counts().begin(), histogram.counts().end()) == expected);
}

TEST_CASE("histogram: what is not finite is told, not binned") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  Histogram histogram;
  const Seen seen = histogram.observe(std::vector<float>{1, nan, -inf, 2, inf, nan});
  CHECK(seen.nan_count == 2);
  CHECK(seen.inf_count == 2);
  CHECK(seen.extremes == MinMax{1, 2});
  CHECK(histogram.total() == 2);
}

TEST_CASE("histogram: only zeros are one bin, and the whole range of float fits") {
  CHECK(histogram_of({0.0f, -0.0f}).counts().size() == 1);
  const float most = std::numeric_limits<float>::max();
  const auto histogram = histogram_of({-most, most, 1e-30f, -1e-30f});
  CHECK(histogram.total() == 4);
  CHECK(count_at(histogram, 1e-30f) == 1);
  CHECK(count_at(histogram, -1e-30f) == 1);
  CHECK(Histogram::from_json(histogram.to_json()) == histogram);
}

TEST_CASE("histogram: widening adds whole bins") {
  const auto histogram = histogram_of({-1.0f, 0.25f, 0.75f, 1.5f});
  const auto wide = histogram.widened(0);
  CHECK(wide.first_bin() == -1);
  CHECK(std::vector<uint64_t>(wide.counts().begin(), wide.counts().end()) == std::vector<uint64_t>{1, 2, 1});
  CHECK(histogram.widened(-200) == histogram);
}

TEST_CASE("histogram: JSON writes runs of empty bins as one number") {
  const auto json = histogram_of({0.0f, 0.0f, 1.0f}).to_json();
  CHECK(json.dump() == R"({"exponent":-11,"first":0,"counts":[2,-2047,1]})");
}

TEST_CASE("histogram: JSON that is none is refused") {
  for (const char* text :
       {"1", "{}", R"({"exponent":0,"first":0,"counts":[-5000]})", R"({"exponent":0,"first":0,"counts":[-9223372036854775808]})",
        R"({"exponent":500,"first":0,"counts":[1]})", R"({"exponent":0,"first":1,"counts":[1]})",
        R"({"exponent":0,"first":-4,"counts":[1]})", R"({"exponent":0,"first":0,"counts":[-1]})",
        R"({"exponent":0,"first":0,"counts":[18446744073709551615,1]})", R"({"exponent":0,"first":0,"counts":[1.5]})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Histogram::from_json(nlohmann::ordered_json::parse(text)), Error);
  }
}

TEST_CASE("scan and bins: the processor's loops equal the portable ones") {
  std::mt19937 random(7);
  const auto& fast = observe::kernels();
  const auto& plain = observe::portable_kernels();
  for (size_t n : {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 1000}) {
    CAPTURE(n);
    std::vector<float> values(n);
    for (float& value : values) value = std::ldexp(static_cast<float>(random() % 2001) - 1000.0f, -static_cast<int>(random() % 60));
    if (n > 5) values[3] = -std::numeric_limits<float>::denorm_min();
    const auto a = fast.scan(values.data(), n), b = plain.scan(values.data(), n);
    CHECK((a.lo == b.lo && a.hi == b.hi && a.all_finite == b.all_finite));
    std::vector<uint16_t> x(n + observe::kBinPadding), y(n + observe::kBinPadding);
    for (const float inverse : {1.0f, std::ldexp(1.0f, -100)}) {
      fast.bins(values.data(), n, inverse, -1024, x.data());
      plain.bins(values.data(), n, inverse, -1024, y.data());
      CHECK(std::equal(x.begin(), x.begin() + static_cast<long>(n), y.begin()));
    }
    values[n / 2] = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(fast.scan(values.data(), n).all_finite);
    CHECK_FALSE(plain.scan(values.data(), n).all_finite);
  }
}
