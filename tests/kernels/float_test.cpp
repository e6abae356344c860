#include <algorithm>
#include <bit>
#include <cmath>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

std::vector<float> random_floats(size_t n, float span, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (auto& x : values) x = std::uniform_real_distribution<float>(-span, span)(random);
  return values;
}

struct Known {
  CurveKind kind;
  double (*f)(double x, double alpha, double beta);
  double tolerance;  ///< absolute plus relative
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

const Known kKnown[] = {
    {CurveKind::clip, [](double x, double a, double b) { return std::min(std::max(x, a), b); }, 0},
    {CurveKind::leaky, [](double x, double a, double) { return x >= 0 ? x : a * x; }, 1e-7},
    {CurveKind::affine, [](double x, double a, double b) { return a * x + b; }, 2e-7},
    {CurveKind::hard_swish, [](double x, double, double) { return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0); }, 3e-7},
    {CurveKind::hard_sigmoid, [](double x, double a, double b) { return std::min(std::max(a * x + b, 0.0), 1.0); }, 2e-7},
    {CurveKind::sigmoid, [](double x, double, double) { return logistic(x); }, 3e-7},
    {CurveKind::swish, [](double x, double a, double) { return x * logistic(a * x); }, 4e-7},
    {CurveKind::tanh, [](double x, double, double) { return std::tanh(x); }, 4e-7},
    {CurveKind::exp, [](double x, double, double) { return std::exp(x); }, 4e-7},
    {CurveKind::erf, [](double x, double, double) { return std::erf(x); }, 4e-7},
    {CurveKind::gelu_erf, [](double x, double, double) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }, 2e-6},
    {CurveKind::gelu_tanh,
     [](double x, double, double) { return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }, 2e-6},
    {CurveKind::elu, [](double x, double a, double) { return x >= 0 ? x : a * (std::exp(x) - 1); }, 3e-7},
    {CurveKind::abs, [](double x, double, double) { return std::fabs(x); }, 0},
    {CurveKind::square, [](double x, double, double) { return x * x; }, 1e-7},
    {CurveKind::divide, [](double x, double a, double) { return x / a; }, 1e-7},
};

TEST_CASE("curve: the scalar variant is the function it is named after") {
  const Known known = GENERATE(from_range(kKnown));
  auto in = random_floats(4000, 12, 5);
  in.insert(in.end(), {0.0f, -0.0f, 80.0f, -80.0f, 1e-20f});
  std::vector<float> out(in.size());
  scalar_twin<Curve>().run({known.kind, 0.3f, 0.7f, in.data(), out.data(), in.size()});
  double worst = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    const double expected = known.f(in[i], 0.3f, 0.7f);
    worst = std::max(worst, std::fabs(out[i] - expected) / (1 + std::fabs(expected)));
  }
  CHECK(worst <= known.tolerance);
}

TEST_CASE("curve: every variant equals the scalar twin") {
  const auto variant = any_variant<Curve>();
  const Known known = GENERATE(from_range(kKnown));
  const size_t n = GENERATE(0, 1, 15, 16, 17, 33, 1000);
  auto in = random_floats(n, 30, 6);
  if (n > 16) in[3] = INFINITY, in[4] = -INFINITY, in[5] = NAN, in[6] = 200, in[7] = -200;
  Guarded<float> out(n), expected(n);
  variant.run({known.kind, 0.3f, 0.7f, in.data(), out.data(), n});
  scalar_twin<Curve>().run({known.kind, 0.3f, 0.7f, in.data(), expected.data(), n});
  for (size_t i = 0; i < n; ++i)  // which NaN it is depends on the order of operands
    if (std::isnan(out.data()[i]) && std::isnan(expected.data()[i])) out.data()[i] = expected.data()[i] = 0;
  CHECK(out == expected);
}

TEST_CASE("curve: every variant equals the scalar twin on any bits") {
  const auto variant = any_variant<Curve>();
  const Known known = GENERATE(from_range(kKnown));
  std::mt19937 random(9);
  std::vector<float> in(20000), out(in.size()), expected(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const uint32_t exponent = i % 2 ? random() % 256 : 110 + random() % 26, bits = random();
    in[i] = std::bit_cast<float>((bits & 0x807FFFFF) | exponent << 23);
  }
  variant.run({known.kind, 0.3f, 0.7f, in.data(), out.data(), in.size()});
  scalar_twin<Curve>().run({known.kind, 0.3f, 0.7f, in.data(), expected.data(), in.size()});
  size_t different = 0;
  for (size_t i = 0; i < in.size(); ++i)
    different +=
        std::bit_cast<uint32_t>(out[i]) != std::bit_cast<uint32_t>(expected[i]) && !(std::isnan(out[i]) && std::isnan(expected[i]));
  CHECK(different == 0);
}

TEST_CASE("combine: every variant equals the scalar twin") {
  const auto variant = any_variant<Combine>();
  const auto op = GENERATE(ArithmeticOp::add, ArithmeticOp::sub, ArithmeticOp::mul, ArithmeticOp::div);
  const bool a_repeated = GENERATE(false, true), b_repeated = GENERATE(false, true);
  const size_t n = GENERATE(0, 1, 15, 17, 100);
  const auto a = random_floats(n + 1, 3, 1), b = random_floats(n + 1, 3, 2);
  Guarded<float> out(n), expected(n);
  variant.run({op, a.data(), b.data(), a_repeated, b_repeated, out.data(), n});
  scalar_twin<Combine>().run({op, a.data(), b.data(), a_repeated, b_repeated, expected.data(), n});
  CHECK(out == expected);
}

TEST_CASE("average: every variant equals the scalar twin") {
  const auto variant = any_variant<Average>();
  const bool is_signed = GENERATE(false, true);
  const size_t n = GENERATE(1, 7, 63, 64, 65, 200), count = GENERATE(1, 4, 49);
  const auto codes = random_bytes(n * count, 9);
  std::vector<const void*> taps;
  for (size_t t = 0; t < count; ++t) taps.push_back(codes.data() + t * n);
  Guarded<uint8_t> out(n), expected(n);
  AverageArgs args{taps.data(), count, n, static_cast<double>(count), out.data(), false, is_signed, 0.02f, 3, 0.021f, 100, 0, 255};
  variant.run(args);
  args.out = expected.data();
  scalar_twin<Average>().run(args);
  CHECK(out == expected);
}

TEST_CASE("average: windows side by side are those of calls of their own") {
  const auto variant = any_variant<Average>();
  const size_t n = GENERATE(3, 24, 100), windows = 7, in_step = 2 * n, out_step = GENERATE_COPY(n, n + 3);
  const auto codes = random_bytes(n * 2 * (windows + 3), 9);
  const void* taps[] = {codes.data(), codes.data() + n, codes.data() + 3 * n};
  Guarded<uint8_t> out(windows * out_step), expected(windows * out_step);
  AverageArgs args{taps, 3, n, 3.0, out.data(), false, false, 0.02f, 3, 0.021f, 100, 0, 255, 0, {windows, in_step, out_step}};
  variant.run(args);
  args.row = {};
  for (size_t w = 0; w < windows; ++w) {
    args.first = w * in_step, args.out = expected.data() + w * out_step;
    variant.run(args);
  }
  CHECK(out == expected);
}

TEST_CASE("average: integer sums give the codes of the formula, ties included") {
  const float out_scale = GENERATE(0.02f, 0.021f, 0.0004f, 1.0f);
  const size_t n = 130, count = GENERATE(2, 4, 300, 1000);
  const int zero_point = GENERATE(0, 3, 255);
  const auto codes = random_bytes(n * count, 11);
  std::vector<const void*> taps;
  for (size_t t = 0; t < count; ++t) taps.push_back(codes.data() + t * n);
  std::vector<uint8_t> out(n), expected(n);
  any_variant<Average>().run({taps.data(), count, n, double(count), out.data(), false, false, 0.02f, zero_point, out_scale, 101, 0, 255});
  for (size_t c = 0; c < n; ++c) {
    double total = 0;
    for (size_t t = 0; t < count; ++t) total += static_cast<float>(codes[t * n + c] - zero_point) * 0.02f;
    const float steps = std::nearbyint(static_cast<float>(total / static_cast<double>(count)) / out_scale);
    expected[c] = static_cast<uint8_t>(std::clamp(steps + 101, 0.0f, 255.0f));
  }
  CHECK(out == expected);
}

TEST_CASE("average: of floats, and of codes into another scale") {
  const float a[] = {1, 2}, b[] = {3, -6};
  const void* taps[] = {a, b};
  float out[2];
  any_variant<Average>().run({taps, 2, 2, 2.0, out, true, false, 1, 0, 1, 0, 0, 0});
  CHECK(out[0] == 2.0f);
  CHECK(out[1] == -2.0f);
  const uint8_t c[] = {10, 250}, d[] = {13, 250};
  const void* codes[] = {c, d};
  uint8_t result[2];
  any_variant<Average>().run({codes, 2, 2, 2.0, result, false, false, 1, 10, 0.5f, 1, 0, 255});
  CHECK(int(result[0]) == 4);  // 1.5 -> 3 steps of 0.5, plus 1
  CHECK(int(result[1]) == 255);
}

TEST_CASE("softmax: every variant equals the scalar twin, which sums to one") {
  const auto variant = any_variant<Softmax>();
  const size_t n = GENERATE(1, 2, 15, 16, 17, 100), rows = GENERATE(1, 3, 4, 9);
  const float span = GENERATE(20.0f, 0.3f);  // 0.3: all so near the largest that x - top + 1 is not exact
  auto in = random_floats(n * rows, span, 8);
  if (n > 16) in[3] = -INFINITY, in[5] = -1e30f, in[7] = -95;
  Guarded<float> out(n * rows), expected(n * rows);
  variant.run({in.data(), out.data(), rows, n});
  scalar_twin<Softmax>().run({in.data(), expected.data(), rows, n});
  CHECK(out == expected);
  double total = 0;
  for (size_t i = 0; i < n * rows; ++i) total += expected.data()[i];
  CHECK(std::fabs(total - static_cast<double>(rows)) < 1e-6 * static_cast<double>(rows));
}

TEST_CASE("softmax: the scalar variant is exp over its sum") {
  const auto in = random_floats(300, 40, 3);
  std::vector<float> out(in.size());
  scalar_twin<Softmax>().run({in.data(), out.data(), 1, in.size()});
  const double top = *std::max_element(in.begin(), in.end());
  double total = 0, worst = 0;
  for (const float x : in) total += std::exp(x - top);
  for (size_t i = 0; i < in.size(); ++i) {
    const double y = std::exp(in[i] - top) / total;
    worst = std::max(worst, std::fabs(out[i] - y) / y);
  }
  CHECK(worst < 8e-6);  // half a unit in the last place of x - top up to 80 is 3.8e-6, of t up to 115 the same of a power of two
}

TEST_CASE("softmax: codes are those of the floats, in every variant") {
  const auto variant = any_variant<Softmax>();
  const size_t n = GENERATE(1, 16, 33), rows = GENERATE(1, 5);
  const bool is_signed = GENERATE(false, true);
  const int lo = is_signed ? -128 : 0, hi = is_signed ? 127 : 255, zero_point = is_signed ? -120 : 0;
  auto in = random_floats(n * rows, 3, 8);
  if (rows > 1) in[n] = NAN;
  std::vector<float> floats(n * rows), scratch(n * rows);
  scalar_twin<Softmax>().run({in.data(), floats.data(), rows, n});
  Guarded<uint8_t> codes(n * rows), expected(n * rows);
  variant.run({in.data(), scratch.data(), rows, n, codes.data(), 0.0021f, zero_point, lo, hi});
  for (size_t i = 0; i < n * rows; ++i) {
    const float steps = std::isnan(floats[i]) ? 0 : std::nearbyint(floats[i] / 0.0021f);
    expected.data()[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(steps) + zero_point, lo, hi));
  }
  CHECK(codes == expected);
}

TEST_CASE("layer_norm: every variant equals the scalar twin, which normalizes") {
  const auto variant = any_variant<LayerNorm>();
  const size_t n = GENERATE(1, 7, 16, 33, 100), rows = GENERATE(1, 4, 6);
  auto in = random_floats(n * rows, 20, 8);
  for (float& x : in) x += 1000;
  const auto scale = random_floats(n, 2, 1), bias = random_floats(n, 2, 2);
  Guarded<float> out(n * rows), expected(n * rows);
  variant.run({in.data(), scale.data(), bias.data(), out.data(), rows, n, 1e-5f});
  scalar_twin<LayerNorm>().run({in.data(), scale.data(), bias.data(), expected.data(), rows, n, 1e-5f});
  CHECK(out == expected);
  const size_t last = (rows - 1) * n;
  double mean = 0, variance = 0;
  for (size_t i = 0; i < n; ++i) mean += in[last + i] / static_cast<double>(n);
  for (size_t i = 0; i < n; ++i) variance += (in[last + i] - mean) * (in[last + i] - mean) / static_cast<double>(n);
  const double y = (in[last + n / 2] - mean) / std::sqrt(variance + 1e-5) * scale[n / 2] + bias[n / 2];
  CHECK(std::fabs(expected.data()[last + n / 2] - y) < 1e-5);
}

TEST_CASE("layer_norm: codes are those of the floats, in every variant") {
  const auto variant = any_variant<LayerNorm>();
  const size_t n = GENERATE(1, 16, 50), rows = GENERATE(1, 5);
  const bool is_signed = GENERATE(false, true);
  const int lo = is_signed ? -128 : 0, hi = is_signed ? 127 : 255, zero_point = is_signed ? 5 : 100;
  auto in = random_floats(n * rows, 3, 8);
  if (rows > 1) in[n] = NAN;
  const auto scale = random_floats(n, 200, 1), bias = random_floats(n, 30, 2);
  std::vector<float> floats(n * rows);
  scalar_twin<LayerNorm>().run({in.data(), scale.data(), bias.data(), floats.data(), rows, n, 1e-5f});
  Guarded<uint8_t> codes(n * rows), expected(n * rows);
  variant.run({in.data(), scale.data(), bias.data(), nullptr, rows, n, 1e-5f, codes.data(), zero_point, lo, hi});
  for (size_t i = 0; i < n * rows; ++i) {
    const float steps = std::isnan(floats[i]) ? 0 : std::nearbyint(floats[i]);
    expected.data()[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(steps) + zero_point, lo, hi));
  }
  CHECK(codes == expected);
}

std::vector<uint8_t> responses(const Variant<LocalResponse>& variant, const std::vector<uint8_t>& in, size_t rows, size_t n, size_t half,
                               bool is_signed, float factor) {
  std::vector<uint8_t> out(rows * n);
  std::vector<float> scratch(LocalResponseArgs::kRowsTogether * 2 * (n + half) + 32);
  variant.run({in.data(), out.data(), scratch.data(), rows, n, half, is_signed, is_signed ? -3 : 117, factor * 0.05f * 0.05f, 1.5f,
               0.05f / 0.021f, 100, 0, 255});
  return out;
}

TEST_CASE("local_response: every variant equals the scalar twin") {
  const auto variant = any_variant<LocalResponse>();
  const size_t n = GENERATE(1, 3, 15, 16, 17, 64, 100), rows = GENERATE(1, 3, 9), half = GENERATE(0, 1, 2, 5);
  const bool is_signed = GENERATE(false, true);
  const float factor = GENERATE(0.0f, 0.02f, 40.0f);
  const auto in = random_bytes(rows * n, 6);
  CHECK(responses(variant, in, rows, n, half, is_signed, factor) ==
        responses(scalar_twin<LocalResponse>(), in, rows, n, half, is_signed, factor));
}

TEST_CASE("local_response: the scalar variant is the formula") {
  const size_t n = 40, half = 2;
  const auto in = random_bytes(n, 6);
  const auto out = responses(scalar_twin<LocalResponse>(), in, 1, n, half, false, 0.02f);
  for (size_t c = 0; c < n; ++c) {
    double square = 0;
    for (size_t d = c < half ? 0 : c - half; d < std::min(n, c + half + 1); ++d) square += std::pow((in[d] - 117) * 0.05, 2);
    const double steps = (in[c] - 117) * 0.05 * std::pow(1.5 + 0.02 * square, -0.75) / 0.021;
    CHECK(int(out[c]) == std::clamp(static_cast<int>(std::nearbyint(steps)) + 100, 0, 255));
  }
}

}  // namespace
}  // namespace qtool::kernels
