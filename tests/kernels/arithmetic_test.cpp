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

TEST_CASE("arithmetic: a sum of codes with a ReLU") {
  const std::vector<uint8_t> a{10, 20, 0}, b{4, 4, 4};
  std::vector<uint8_t> out(3);
  any_variant<Arithmetic>().run(
      {ArithmeticOp::add, {a.data(), 1, 10, false, false}, {b.data(), 0.5f, 1, false, true}, out.data(), 3, 0, kInf, 1, 5, 0, 255});
  CHECK(out == std::vector<uint8_t>{7, 17, 5});  // 0 + 1.5 -> 2; 10 + 1.5 -> 12 (tie to even); -8.5 -> 0
}

}  // namespace
}  // namespace qtool::kernels
