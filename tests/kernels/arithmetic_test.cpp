#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Scales {
  float a, b, out;
};

TEST_CASE("arithmetic: every variant equals the scalar twin") {
  const auto variant = any_variant<Arithmetic>();
  const size_t n = GENERATE(from_range(kLengths));
  const auto op = GENERATE(ArithmeticOp::add, ArithmeticOp::sub, ArithmeticOp::mul, ArithmeticOp::div);
  const auto scales = GENERATE(Scales{0.02f, 0.013f, 0.031f}, Scales{0.5f, 0.25f, 1.0f}, Scales{1e-20f, 3e5f, 1e-12f},
                               Scales{0.3f, 0.001f, 0.002f}, Scales{0.02f, 0.03f, 0.01f});
  const bool is_signed = GENERATE(false, true), repeated = GENERATE(false, true);
  const float low = GENERATE(-kInf, 0.0f);
  const auto a = random_bytes(n + 1, 1), b = random_bytes(n + 1, 2);
  Guarded<uint8_t> out(n), expected(n);
  ArithmeticArgs args{
      op, {a.data(), scales.a, 3, is_signed, false}, {b.data(), scales.b, 77, false, repeated}, nullptr, n, low, kInf, scales.out, 9, 0,
      255};
  args.out = out.data();
  variant.run(args);
  args.out = expected.data();
  scalar_twin<Arithmetic>().run(args);
  CHECK(out == expected);
}

/// Every code beside every other.
struct Pairs {
  Pairs() {
    for (size_t i = 0; i < 65536; ++i) a.push_back(static_cast<uint8_t>(i)), b.push_back(static_cast<uint8_t>(i / 256));
  }
  std::vector<uint8_t> a, b;
};

TEST_CASE("arithmetic: every pair of codes, over scales, zero points and bounds") {
  const auto variant = any_variant<Arithmetic>();
  const auto op = GENERATE(ArithmeticOp::add, ArithmeticOp::sub, ArithmeticOp::mul);
  const bool signed_a = GENERATE(false, true), signed_b = GENERATE(false, true), signed_out = GENERATE(false, true);
  static const Pairs pairs;
  std::mt19937 random(static_cast<uint32_t>(signed_a + 2 * signed_b + 4 * signed_out));
  const auto within = [&](double lo, double hi) {
    return static_cast<float>(lo * std::pow(hi / lo, static_cast<double>(random()) / 4294967295.0));
  };
  const auto code = [&](bool is_signed) { return static_cast<int32_t>(random() % 256) - (is_signed ? 128 : 0); };
  for (int round = 0; round < 12; ++round) {
    const int32_t lowest = signed_out ? -128 : 0, bound = round % 3 == 2 ? 60 : 0;
    const float a = within(0.001, 0.1), b = round == 0 ? a / 2 : within(0.001, 0.1);
    const float out = op == ArithmeticOp::mul ? within(0.2, 200) * a * b : within(0.2, 3) * std::max(a, b);
    ArithmeticArgs args{op,
                        {pairs.a.data(), a, code(signed_a), signed_a, false},
                        {pairs.b.data(), b, code(signed_b), signed_b, false},
                        nullptr,
                        65536,
                        round % 4 == 3 ? 0 : -kInf,
                        kInf,
                        round == 1 ? std::max(a, b) : out,
                        code(signed_out),
                        lowest,
                        lowest + 255};
    args.lo = std::min(args.lo + bound, args.zero_point), args.hi = std::max(args.hi - bound, args.zero_point);
    std::vector<uint8_t> found(65536), expected(65536);
    args.out = found.data();
    variant.run(args);
    args.out = expected.data();
    scalar_twin<Arithmetic>().run(args);
    CAPTURE(static_cast<int>(op), signed_a, signed_b, signed_out, args.lo, args.hi, round, a, b, args.scale, args.a.zero_point,
            args.b.zero_point, args.zero_point);
    const auto first = static_cast<size_t>(std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin());
    CAPTURE(first, first < 65536 ? found[first] : 0, first < 65536 ? expected[first] : 0);
    REQUIRE(first == 65536);
  }
}

TEST_CASE("arithmetic: the output may be an operand") {
  const auto variant = any_variant<Arithmetic>();
  const auto a = random_bytes(1000, 1), b = random_bytes(1000, 2);
  std::vector<uint8_t> apart(1000), over_a = a, over_b = b;
  ArithmeticArgs args{ArithmeticOp::add,
                      {a.data(), 0.021f, 3, false, false},
                      {b.data(), 0.013f, 77, false, false},
                      apart.data(),
                      1000,
                      -kInf,
                      kInf,
                      0.0312f,
                      9,
                      0,
                      255};
  variant.run(args);
  args.a.codes = args.out = over_a.data();
  variant.run(args);
  args.a.codes = a.data(), args.b.codes = args.out = over_b.data();
  variant.run(args);
  CHECK(over_a == apart);
  CHECK(over_b == apart);
}

TEST_CASE("arithmetic: a sum of codes with a ReLU") {
  const std::vector<uint8_t> a{10, 20, 0}, b{4, 4, 4};
  std::vector<uint8_t> out(3);
  any_variant<Arithmetic>().run(
      {ArithmeticOp::add, {a.data(), 1, 10, false, false}, {b.data(), 0.5f, 1, false, true}, out.data(), 3, 0, kInf, 1, 5, 0, 255});
  CHECK(out == std::vector<uint8_t>{7, 17, 5});  // 0 + 1.5 -> 2; 10 + 1.5 -> 12 (tie to even); -8.5 -> 0
}

}  // namespace
}  // namespace qtool::kernels
