#include <limits>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

std::vector<float> numbers(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& value : values) value = std::uniform_real_distribution<float>(-2, 2)(random);
  return values;
}

struct FloatProblem {
  FloatProblem(size_t m, size_t n, size_t taps, size_t depth) : a(numbers(m * taps * depth, 1)), start(numbers(n + 8, 2)) {
    args.m = m, args.packing = {n, taps, depth};
    args.a_stride = depth, args.out_stride = m % 2 == 0 ? n : n + 3, args.offsets_step = m + 1;
    args.lo = -std::numeric_limits<float>::infinity(), args.hi = -args.lo;
    b.assign(args.packing.size(), 0);
    const auto weights = numbers(taps * depth * n, 3);
    for (size_t i = 0; i < weights.size(); ++i) b[args.packing.index(i / n / depth, i / n % depth, i % n)] = weights[i];
    offsets.assign(taps * args.offsets_step, 1 << 30);
    for (size_t t = 0; t < taps; ++t)
      for (size_t i = 0; i < m; ++i) offsets[t * args.offsets_step + i] = static_cast<ptrdiff_t>((i * taps + taps - 1 - t) * depth);
    start.resize(args.packing.padded_n());
  }

  Guarded<float> run(const Variant<FloatGemm>& variant) {
    Guarded<float> out(args.m * args.out_stride);
    args.a = a.data(), args.b = b.data(), args.start = start.data(), args.out = out.data();
    args.offsets = args.packing.taps > 1 ? offsets.data() : nullptr;
    variant.run(args);
    return out;
  }

  FloatGemmArgs args{};
  std::vector<float> a, start, b;
  std::vector<ptrdiff_t> offsets;
};

}  // namespace

TEST_CASE("float_gemm: every variant equals the scalar twin") {
  const auto variant = any_variant<FloatGemm>();
  const size_t m = GENERATE(0, 1, 2, 3, 7, 8, 21, 34), n = GENERATE(1, 2, 3, 4, 7, 8, 9, 24, 48, 61), taps = GENERATE(1, 3),
               depth = GENERATE(1, 3, 4, 9, 16, 37);
  CAPTURE(m, n, taps, depth);
  FloatProblem problem(m, n, taps, depth);
  CHECK(problem.run(variant) == problem.run(scalar_twin<FloatGemm>()));
  problem.args.lo = 0, problem.args.hi = 6;
  CHECK(problem.run(variant) == problem.run(scalar_twin<FloatGemm>()));
}

TEST_CASE("float_gemm: adds products to the start, and clamps") {
  FloatProblem problem(1, 1, 1, 2);
  problem.a = {2, 3}, problem.start[0] = 1;
  problem.b[0] = 10, problem.b[8] = 100;
  CHECK(problem.run(any_variant<FloatGemm>()).data()[0] == 321);
  problem.args.hi = 6;
  CHECK(problem.run(any_variant<FloatGemm>()).data()[0] == 6);
}

TEST_CASE("float_gemm: what is no number stays none") {
  FloatProblem problem(9, 9, 1, 4);
  problem.args.lo = 0, problem.args.hi = 6;
  problem.a[5] = std::numeric_limits<float>::quiet_NaN();
  auto out = problem.run(any_variant<FloatGemm>());
  for (size_t n = 0; n < 9; ++n) CHECK(out.data()[problem.args.out_stride + n] != out.data()[problem.args.out_stride + n]);
}

}  // namespace qtool::kernels
