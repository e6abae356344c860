#pragma once
// Random operands and guarded outputs for kernel tests.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/registry.h"

namespace qtool::kernels {

/// Lengths around every vector width.
inline const std::vector<size_t> kLengths{0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 1000};

inline std::vector<uint8_t> random_bytes(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(n);
  for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

/// An output with guard bytes behind (and 64 in front); comparing two compares the guards too.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t n) : bytes_(n * sizeof(T) + 128, 0xA5) {}
  T* data() { return reinterpret_cast<T*>(bytes_.data() + 64); }
  bool operator==(const Guarded&) const = default;

 private:
  std::vector<uint8_t> bytes_;
};

/// One variant of a family that runs here; the scalar twin is the last of variants<Family>().
template <class Family>
Variant<Family> any_variant() {
  const auto all = variants<Family>();
  const auto variant = GENERATE_COPY(Catch::Generators::from_range(all));
  if (!variant.runs_here()) SKIP("this processor does not run " << variant.name);
  return variant;
}

template <class Family>
Variant<Family> scalar_twin() {
  return variants<Family>().back();
}

}  // namespace qtool::kernels
