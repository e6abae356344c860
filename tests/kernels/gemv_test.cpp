#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <limits>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Numbers whose products round.
std::vector<float> numbers(size_t n, uint32_t seed, float step = 0.37f, float low = 40) {
  std::vector<float> values;
  for (const uint8_t byte : random_bytes(n, seed)) values.push_back(static_cast<float>(byte) * step - low);
  return values;
}

struct Weights {
  std::vector<uint8_t> codes, zero;
  std::vector<float> scale;
  Weights(size_t panels, size_t bytes, size_t groups)
      : codes(random_bytes(panels * bytes, 1)),
        zero(random_bytes(panels * groups * 8, 2)),
        scale(numbers(panels * groups * 8, 3, 0.01f, 0)) {
    for (uint8_t& z : zero) z &= 15;
  }
};

/// FloatGemm of one row on the panels that `widen(panel, to)` makes.
template <class WidenPanel>
std::vector<float> expected(const GemvRow& row, const WidenPanel& widen) {
  const FloatGemmPacking& packing = row.packing;
  std::vector<float> b(packing.size()), start(packing.padded_n(), 0), out(packing.n);
  std::copy_n(row.start, packing.n, start.begin());
  for (size_t p = 0; p < packing.panels(); ++p) widen(p, b.data() + p * packing.panel_size());
  scalar_twin<FloatGemm>().run(
      {row.in, packing.depth, nullptr, 0, 1, packing, b.data(), start.data(), row.lo, row.hi, out.data(), packing.n});
  return out;
}

Guarded<float> guarded(const std::vector<float>& values) {
  Guarded<float> all(values.size());
  std::copy(values.begin(), values.end(), all.data());
  return all;
}

struct Case {
  size_t n = GENERATE(1, 7, 8, 9, 16, 40, 61, 64, 131), depth = GENERATE(1, 2, 33, 64), group = GENERATE(2, 32, 100);
  bool clamps = GENERATE(false, true);
  FloatGemmPacking packing{n, 1, depth};
  std::vector<float> in = numbers(depth, 4), start = numbers(n, 5);
  Guarded<float> out{n};
  GemvRow row(const Weights& weights) {
    std::copy(start.begin(), start.end(), out.data());  // where sums start
    const float lo = clamps ? 0 : -kInfinity, hi = clamps ? 60 : kInfinity;
    return {in.data(), packing, weights.scale.data(), group, out.data(), lo, hi, out.data()};
  }
};

}  // namespace

TEST_CASE("gemv_bytes: every variant is the float product with the widened panels, to the bit") {
  const auto variant = any_variant<GemvBytes>();
  Case c;
  CAPTURE(c.n, c.depth, c.group, c.clamps);
  const Weights weights(c.packing.panels(), c.depth * 8, (c.depth + c.group - 1) / c.group);
  const auto* codes = reinterpret_cast<const int8_t*>(weights.codes.data());
  const GemvBytesArgs args{c.row(weights), codes};
  const std::vector<float> wanted = expected(args, [&](size_t p, float* to) {
    scalar_twin<Widen>().run({codes + p * args.panel_bytes(), args.scale + p * args.groups() * 8, to, c.depth, c.group});
  });
  variant.run(args);
  CHECK(c.out == guarded(wanted));
}

TEST_CASE("gemv_nibbles: every variant is the float product with the widened panels, to the bit") {
  const auto variant = any_variant<GemvNibbles>();
  Case c;
  CAPTURE(c.n, c.depth, c.group, c.clamps);
  const Weights weights(c.packing.panels(), (c.depth + 1) / 2 * 8, (c.depth + c.group - 1) / c.group);
  const GemvNibblesArgs args{c.row(weights), weights.codes.data(), weights.zero.data()};
  const std::vector<float> wanted = expected(args, [&](size_t p, float* to) {
    const size_t at = p * args.groups() * 8;
    scalar_twin<WidenNibbles>().run({args.codes + p * args.panel_bytes(), args.scale + at, args.zero + at, to, c.depth, c.group});
  });
  variant.run(args);
  CHECK(c.out == guarded(wanted));
}

TEST_CASE("gemv: a NaN stays one between bounds") {
  const float in[] = {std::numeric_limits<float>::quiet_NaN()}, scale[8] = {1, 1, 1, 1, 1, 1, 1, 1}, start[] = {0};
  const int8_t codes[8] = {3};
  float out[] = {5};
  any_variant<GemvBytes>().run({{in, {1, 1, 1}, scale, 1, start, 0, 6, out}, codes});
  CHECK(std::isnan(out[0]));
}

}  // namespace qtool::kernels
