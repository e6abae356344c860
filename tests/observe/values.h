#pragma once
// Values that C++ and record_torch.py make alike, to the bit: integers and exact sums only.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace qtool::testing {

inline constexpr size_t kCount = 8000;

/// 24 bits of a linear congruential generator, in [0, 1).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  double uniform() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 40) / 16777216.0;
  }
  /// Sum of 12: nearly normal.
  double bell() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum - 6;
  }

 private:
  uint64_t state_;
};

inline std::vector<double> bells(uint64_t seed) {
  Random random(seed);
  std::vector<double> values(kCount);
  for (double& value : values) value = random.bell();
  return values;
}

/// Product of three bells: many small values, a long tail.
inline std::vector<double> heavy(uint64_t seed) {
  const auto a = bells(seed), b = bells(seed + 1), c = bells(seed + 2);
  std::vector<double> values(kCount);
  for (size_t i = 0; i < kCount; ++i) values[i] = a[i] * b[i] * c[i];
  return values;
}

inline std::vector<double> exact_values(const std::string& kind) {
  const auto map = [](std::vector<double> values, auto&& f) {
    for (double& value : values) value = f(value);
    return values;
  };
  const auto relu = [](double v) { return std::max(v, 0.0); };
  if (kind == "uniform") {
    Random random(1);
    return map(std::vector<double>(kCount), [&](double) { return 2 * random.uniform() - 1; });
  }
  if (kind == "bell") return bells(2);
  if (kind == "relu") return map(bells(3), relu);
  if (kind == "heavy") return heavy(4);
  if (kind == "heavy_relu") return map(heavy(7), relu);
  if (kind == "outliers") {
    auto values = bells(10);
    values[17] = 60.0, values[4711] = -45.0, values[7000] = 55.0;
    return values;
  }
  if (kind == "shifted") return map(bells(11), [](double v) { return v * 0.25 + 3.0; });
  if (kind == "negative") return map(bells(12), [](double v) { return -v * v - 0.125; });
  return map(bells(13), [](double v) { return std::ldexp(v, -40); });  // "tiny"
}

inline std::vector<float> values_of(const std::string& kind) {
  const auto exact = exact_values(kind);
  return {exact.begin(), exact.end()};
}

}  // namespace qtool::testing
