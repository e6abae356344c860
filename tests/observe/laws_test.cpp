// Every statistic: any order, any split and any number of merges of the same values give the same statistic to the bit.

#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "observe/channel_min_max.h"
#include "observe/tensor_statistics.h"

using namespace qtool;

namespace {

struct Sample {
  std::string id;
  std::vector<float> values;
};

template <class S>
void observe(S& statistic, const Sample& sample) {
  statistic.observe(sample.values, SampleId(sample.id));
}

template <class S>
S statistic_of(const std::vector<Sample>& samples) {
  S result;
  for (const Sample& sample : samples) observe(result, sample);
  return result;
}

/// Samples of all sizes and magnitudes: zeros, denormals, huge and odd values, one sign, both signs.
std::vector<Sample> random_samples(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Sample> samples;
  for (int i = 0; i < 12; ++i) {
    Sample sample{"img" + std::to_string(i % 10), {}};
    const size_t size = std::vector<size_t>{0, 1, 15, 16, 33, 3000, 20000}[random() % 7];
    const double magnitude = std::ldexp(1.0, static_cast<int>(random() % 12) * (seed % 3 == 0 ? 20 : 1) - (seed % 3 == 0 ? 120 : 6));
    std::normal_distribution<double> normal(0, magnitude);
    for (size_t k = 0; k < size; ++k) sample.values.push_back(static_cast<float>(normal(random)));
    if (seed % 4 == 1)
      for (float& value : sample.values) value = std::max(value, 0.0f);
    if (seed % 5 == 2 && size > 20) {
      sample.values[3] = std::numeric_limits<float>::quiet_NaN();
      sample.values[7] = -std::numeric_limits<float>::infinity();
      sample.values[9] = -std::numeric_limits<float>::denorm_min();
      sample.values[11] = -0.0f;
    }
    if (seed % 7 == 3 && size > 20) sample.values[random() % size] = -std::numeric_limits<float>::max();
    if (seed % 7 == 3 && size > 20) sample.values[random() % size] = std::numeric_limits<float>::max();
    samples.push_back(sample);
  }
  return samples;
}

}  // namespace

#define QTOOL_STATISTIC(type) type,
using Statistics = std::tuple<
#include "observe/observers.inc"
    void>;
#undef QTOOL_STATISTIC

template <class Rows>
struct Check;
template <class... Rows>
struct Check<std::tuple<Rows...>> {
  template <class Law>
  static void each(Law&& law) {
    (call<Rows>(law), ...);
  }
  template <class S, class Law>
  static void call(Law& law) {
    if constexpr (!std::is_void_v<S>) law(S{});
  }
};

TEST_CASE("statistics: the order of the samples does not matter") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    auto samples = random_samples(seed);
    Check<Statistics>::each([&]<class S>(S) {
      const S expected = statistic_of<S>(samples);
      auto shuffled = samples;
      std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(seed));
      const S found = statistic_of<S>(shuffled);
      CHECK(found == expected);
      CHECK(found.to_json().dump() == expected.to_json().dump());
    });
  }
}

TEST_CASE("statistics: a split of the values does not matter") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    const auto samples = random_samples(seed);
    std::vector<Sample> pieces;
    std::mt19937 random(seed);
    for (const Sample& sample : samples)
      for (size_t i = 0; i < sample.values.size();) {
        const size_t end = std::min(sample.values.size(), i + 1 + random() % 5000);
        pieces.push_back({sample.id, {sample.values.begin() + static_cast<long>(i), sample.values.begin() + static_cast<long>(end)}});
        i = end;
      }
    Check<Statistics>::each([&]<class S>(S) { CHECK(statistic_of<S>(pieces) == statistic_of<S>(samples)); });
  }
}

TEST_CASE("statistics: merging is the same as observing, in any grouping") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    const auto samples = random_samples(seed);
    Check<Statistics>::each([&]<class S>(S) {
      const S expected = statistic_of<S>(samples);
      std::vector<S> parts;
      for (const Sample& sample : samples) parts.push_back(statistic_of<S>({sample}));
      std::mt19937 random(seed);
      while (parts.size() > 1) {
        std::swap(parts[random() % parts.size()], parts.back());
        const S last = parts.back();
        parts.pop_back();
        parts[random() % parts.size()].merge(last);
      }
      CHECK(parts[0] == expected);
      S empty;
      empty.merge(expected);
      CHECK(empty == expected);
      empty.merge(S{});
      CHECK(empty == expected);
    });
  }
}

TEST_CASE("statistics: JSON and back is the same statistic, and an empty one is null") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Check<Statistics>::each([&]<class S>(S) {
      const S statistic = statistic_of<S>(random_samples(seed));
      const auto text = statistic.to_json().dump();
      CHECK(S::from_json(nlohmann::ordered_json::parse(text)) == statistic);
      CHECK(S{}.to_json().is_null());
      CHECK(S::from_json(nullptr) == S{});
    });
  }
}

TEST_CASE("per-channel extremes: merge is the same as observing, JSON and back is the same") {
  const Tensor a = Tensor::of<float>({2, 3, 2}, {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6});
  const Tensor b = Tensor::of<float>({1, 3, 1}, {9, 0, -9});
  ChannelMinMax both, first, second;
  both.observe(a, 1);
  both.observe(b, 1);
  first.observe(a, 1);
  second.observe(b, 1);
  second.merge(first);
  CHECK(second == both);
  CHECK(both.channels == std::vector<MinMax>{{-2, 9}, {-4, 4}, {-9, 6}});
  CHECK(ChannelMinMax::from_json(both.to_json()) == both);
}
