#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <cstring>
#include <numeric>
#include <type_traits>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

/// A random product in the packing of one variant of family Gemm or GemmU8. Rows lie anywhere in `a`, found by offsets where there are
/// several taps.
template <class Family>
struct GemmProblem {
  GemmProblem(const Variant<Family>& variant, size_t m, size_t n, size_t taps, size_t depth, uint32_t seed) : random(seed) {
    args.m = m, args.packing = {n, taps, depth, gemm_tile(variant.isa)};
    args.out_zero_point = 3, args.lo = -128, args.hi = 127, args.out_stride = n + 3, args.a_stride = depth;
    a.resize(m * taps * depth);
    b.resize(args.packing.size());
    for (auto& x : a) x = static_cast<int8_t>(random());
    fill_b([this](size_t) { return static_cast<int8_t>(static_cast<int>(random() % 255) - 127); });
    scatter(m, taps, depth);
    for (size_t c = 0; c < args.packing.padded_n(); ++c) {
      start.push_back(static_cast<int32_t>(random() % 20000) - 10000);
      scale.push_back(0.0007f + 0.0001f * static_cast<float>(c % 7)), shift.push_back(static_cast<float>(c % 11) * 1.25f - 5);
    }
    for (size_t i = 0; i < m; ++i) row_start.push_back(static_cast<int32_t>(random() % 2000) - 1000);
  }

  /// b(t, k, n) = value(n), zeros between.
  template <class Value>
  void fill_b(Value value) {
    const GemmPacking& p = args.packing;
    std::fill(b.begin(), b.end(), int8_t{0});
    for (size_t c = 0; c < p.n; ++c)
      for (size_t t = 0; t < p.taps; ++t)
        for (size_t k = 0; k < p.depth; ++k) b[p.index(t, k, c)] = value(c);
  }

  void scatter(size_t m, size_t taps, size_t depth) {
    std::vector<size_t> places(m * taps);
    std::iota(places.begin(), places.end(), size_t{0});
    std::shuffle(places.begin(), places.end(), random);
    args.offsets_step = m + 2;
    offsets.assign(taps * args.offsets_step, 1 << 30);
    for (size_t t = 0; t < taps; ++t)
      for (size_t i = 0; i < m; ++i) offsets[t * args.offsets_step + i] = static_cast<ptrdiff_t>(places[t * m + i] * depth);
  }

  Guarded<uint8_t> run(const Variant<Family>& variant) {
    const size_t width = args.form == GemmForm::codes ? 1 : 4;
    Guarded<uint8_t> out(args.m * args.out_stride * width);
    args.a = a.data(), args.b = b.data(), args.start = start.data(), args.scale = scale.data(), args.out = out.data();
    args.shift = shifted ? shift.data() : nullptr, args.row_start = with_row_start ? row_start.data() : nullptr;
    args.offsets = gathered ? offsets.data() : nullptr, args.table = looked_up ? table.data() : nullptr;
    variant.run(args);
    return out;
  }

  std::mt19937 random;
  GemmArgs args{};
  bool shifted = true, with_row_start = false, gathered = true, looked_up = false;
  std::vector<int8_t> a, b;
  std::vector<int32_t> start, row_start;
  std::vector<float> scale, shift;
  std::vector<ptrdiff_t> offsets;
  std::vector<uint8_t> table = random_bytes(256, 5);
};

TEMPLATE_TEST_CASE("gemm: every variant equals the scalar twin over rows, columns, depths and taps", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const size_t n = GENERATE(1, 2, 7, 8, 9, 16, 17, 31, 56, 100), taps = GENERATE(1, 2, 9);
  for (const size_t m : {1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 23})
    for (const size_t depth : {1, 2, 3, 4, 5, 7, 8, 11, 12, 15, 16, 20, 24, 27, 31, 32, 33, 40, 57, 64, 70}) {
      GemmProblem<TestType> problem(variant, m, n, taps, depth, static_cast<uint32_t>(7 * m + n + depth));
      CAPTURE(m, n, taps, depth);
      REQUIRE(problem.run(variant) == problem.run(scalar_twin<TestType>()));
    }
}

TEMPLATE_TEST_CASE("gemm: every variant equals the scalar twin over forms, bounds, tables and what may be left out", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const auto form = GENERATE(GemmForm::codes, GemmForm::floats, GemmForm::sums);
  const bool is_signed = GENERATE(false, true), bounded = GENERATE(false, true), table = GENERATE(false, true);
  const bool shifted = GENERATE(false, true), gathered = GENERATE(false, true), row_start = GENERATE(false, true);
  if (table && form != GemmForm::codes) return;
  for (const size_t m : {1, 2, 3, 6, 9, 12}) {
    for (const size_t n : {5, 16, 21}) {
      GemmProblem<TestType> problem(variant, m, n, 1, 37, 11);
      problem.args.form = form, problem.args.lo = is_signed ? -128 : 0, problem.args.hi = is_signed ? 127 : 255;
      if (bounded) problem.args.lo += 100, problem.args.hi -= 80;
      problem.shifted = shifted, problem.gathered = gathered, problem.with_row_start = row_start, problem.looked_up = table;
      CAPTURE(m, n);
      CHECK(problem.run(variant) == problem.run(scalar_twin<TestType>()));
    }
  }
}

TEMPLATE_TEST_CASE("gemm: every variant equals the scalar twin for rows of a matrix", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const size_t depth = GENERATE(16, 32, 48, 64, 96, 144), n = GENERATE(7, 8, 12, 24);
  const auto [lo, hi] = GENERATE(std::pair{-128, 127}, std::pair{0, 255}, std::pair{-20, 90}, std::pair{30, 200});
  for (const size_t m : {1, 2, 3, 5, 8, 11}) {
    GemmProblem<TestType> problem(variant, m, n, 1, depth, static_cast<uint32_t>(m + n + depth));
    problem.gathered = false, problem.shifted = m != 3, problem.args.lo = lo, problem.args.hi = hi;
    problem.args.a_stride = depth + 5, problem.a.resize(m * (depth + 5), 77);
    CAPTURE(m);
    CHECK(problem.run(variant) == problem.run(scalar_twin<TestType>()));
  }
}

TEMPLATE_TEST_CASE("gemm: rows of a matrix whose steps are ties, near 2^15 or beyond", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const size_t depth = GENERATE(16, 32, 80);
  GemmProblem<TestType> problem(variant, 6, 16, 1, depth, 5);
  problem.gathered = false, problem.args.out_zero_point = GENERATE(-3, 0, 2);
  const auto scaled = [&](float scale, float shift) {
    std::fill(problem.scale.begin(), problem.scale.end(), scale), std::fill(problem.shift.begin(), problem.shift.end(), shift);
  };
  SECTION("ties") { scaled(0x1p-6f, 12); }
  SECTION("near") {
    scaled(0, 0);
    for (size_t c = 0; c < 16; ++c) problem.scale[c] = 31900.0f / static_cast<float>(10000 + 127 * 128 * depth);
    problem.fill_b([](size_t) { return int8_t{127}; });
    std::fill(problem.a.begin(), problem.a.end(), int8_t{-128});
  }
  SECTION("beyond") {
    scaled(0.4f, 0);
    problem.fill_b([](size_t) { return int8_t{127}; });
    std::fill(problem.a.begin(), problem.a.end(), int8_t{-128});
  }
  SECTION("one of eight far beyond") { scaled(1e-3f, 0), problem.shift[5] = 3e8f; }
  CHECK(problem.run(variant) == problem.run(scalar_twin<TestType>()));
}

TEMPLATE_TEST_CASE("gemm: rows in pieces give the same as rows in one piece", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const size_t pieces = GENERATE(2, 3, 7), piece = GENERATE(1, 3, 7, 9, 16, 21, 40, 200);
  for (const size_t m : {1, 9, 70})
    for (const size_t n : {3, 16, 25}) {
      GemmProblem<TestType> problem(variant, m, n, 1, pieces * piece, 3);
      problem.a.resize(m * pieces * piece);
      problem.args.pieces = pieces;
      problem.offsets.assign(pieces * problem.args.offsets_step, 1 << 30);
      for (size_t t = 0; t < pieces; ++t)
        for (size_t i = 0; i < m; ++i)
          problem.offsets[t * problem.args.offsets_step + i] = static_cast<ptrdiff_t>((i * pieces + t) * piece);
      CAPTURE(m, n);
      const auto gathered = problem.run(variant);
      REQUIRE(gathered == problem.run(scalar_twin<TestType>()));
      problem.args.pieces = 1, problem.gathered = false;
      REQUIRE(gathered == problem.run(scalar_twin<TestType>()));
    }
}

TEST_CASE("gemm_u8: codes are added to others, every variant as the scalar twin") {
  const auto variant = any_variant<GemmU8>();
  const bool is_signed = GENERATE(false, true), first_signed = GENERATE(false, true), table = GENERATE(false, true);
  for (const size_t m : {1, 5, 13, 30})
    for (const size_t n : {1, 8, 16, 23, 32, 40, 64, 70}) {
      GemmProblem<GemmU8> problem(variant, m, n, 1, 24, 7);
      const auto others = random_bytes(m * (n + 1), 9);
      problem.args.lo = first_signed ? -128 : 0, problem.args.hi = first_signed ? 127 : 255, problem.looked_up = table;
      problem.args.second = {others.data(), n + 1, is_signed, 0.8f, 0.37f, -41.5f, 11, 5, 240};
      CAPTURE(m, n);
      REQUIRE(problem.run(variant) == problem.run(scalar_twin<GemmU8>()));
    }
}

TEST_CASE("gemm_u8: a part of the depth, rows written to their places, every variant as the scalar twin") {
  const auto variant = any_variant<GemmU8>();
  const auto form = GENERATE(GemmForm::codes, GemmForm::floats, GemmForm::sums);
  const GemmPart part = GENERATE(GemmPart{0, 3, 0, 24}, GemmPart{1, 2, 4, 16}, GemmPart{2, 1, 8, 5}, GemmPart{0, 1, 0, 4});
  const bool added = GENERATE(false, true);
  if (added && form != GemmForm::codes) return;
  for (const size_t m : {1, 5, 13, 30})
    for (const size_t n : {1, 16, 23, 64, 70}) {
      GemmProblem<GemmU8> problem(variant, m, n, 3, 24, 7);
      problem.args.form = form, problem.args.part = part;
      std::vector<ptrdiff_t> places(m);
      for (size_t i = 0; i < m; ++i) places[i] = static_cast<ptrdiff_t>((m - 1 - i) * problem.args.out_stride);
      problem.args.places = places.data();
      const auto others = random_bytes(m * problem.args.out_stride, 9);
      if (added) problem.args.second = {others.data(), 0, false, 0.8f, 0.37f, -41.5f, 11, 5, 240};
      CAPTURE(m, n);
      REQUIRE(problem.run(variant) == problem.run(scalar_twin<GemmU8>()));
    }
}

TEST_CASE("gemm_u8: a part and the rest of the depth give the whole") {
  const auto variant = any_variant<GemmU8>();
  GemmProblem<GemmU8> problem(variant, 7, 20, 3, 24, 7);
  problem.args.form = GemmForm::sums;
  const auto sums = [&](GemmPart part) {
    problem.args.part = part;
    auto out = problem.run(variant);
    std::vector<int32_t> result(7 * problem.args.out_stride);
    std::memcpy(result.data(), out.data(), result.size() * 4);
    return result;
  };
  const auto whole = sums({}), first = sums({0, 1, 0, 24});
  const auto offsets = problem.offsets;
  problem.offsets.erase(problem.offsets.begin(), problem.offsets.begin() + static_cast<ptrdiff_t>(problem.args.offsets_step));
  const auto rest = sums({1, 2, 0, 24});
  for (size_t i = 0; i < 7; ++i)
    for (size_t n = 0; n < 20; ++n) {
      const size_t at = i * problem.args.out_stride + n;
      CHECK(first[at] + rest[at] - problem.start[n] == whole[at]);
    }
}

TEST_CASE("gemm_u8: two additions by hand") {
  const auto variant = any_variant<GemmU8>();
  const GemmPacking packing{1, 1, 1, gemm_tile(variant.isa)};
  std::vector<int8_t> b(packing.size()), a{100, 5};
  b[0] = 2;
  const std::vector<int32_t> start(packing.padded_n());
  const std::vector<float> scale(packing.padded_n(), 1.0f);
  const std::vector<uint8_t> others{3, 200};
  std::vector<uint8_t> out(2);
  GemmArgs args{};
  args.a = a.data(), args.a_stride = 1, args.m = 2, args.packing = packing, args.b = b.data(), args.start = start.data();
  args.scale = scale.data(), args.form = GemmForm::codes, args.hi = 150, args.out = out.data(), args.out_stride = 1;
  args.second = {others.data(), 1, true, 0.5f, 2.0f, 0.5f - 256.0f, 7, 0, 255};
  variant.run(args);
  // min(200, 150) / 2 + 2 * 3 + .5 = 81.5 -> 82, + 7;   10 / 2 - 2 * 56 + .5 = -106.5, bounded
  CHECK(out == std::vector<uint8_t>{89, 0});
}

TEMPLATE_TEST_CASE("gemm: the largest sums are exact, ties go to even, and codes saturate", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const int a = GENERATE(-128, -1, 127), b = GENERATE(-128, -127, 127);
  const float scale = GENERATE(0.5f, 1e-6f, 1e30f, -3.0f, 1e-30f);
  const size_t m = GENERATE(1, 8), depth = GENERATE(5, 16, 904);
  GemmProblem<TestType> problem(variant, m, 8, 9, depth, 1);
  std::fill(problem.a.begin(), problem.a.end(), static_cast<int8_t>(a));
  problem.fill_b([b](size_t) { return static_cast<int8_t>(b); });
  problem.args.b_lowest = b == -128;
  const int code = std::is_same_v<TestType, GemmU8> ? static_cast<uint8_t>(a) : a;
  for (size_t c = 0; c < 8; ++c) problem.start[c] = -code * b * static_cast<int>(9 * depth) + static_cast<int>(c % 4) - 2;
  std::fill(problem.start.begin() + 4, problem.start.end(), 0);
  std::fill(problem.scale.begin(), problem.scale.end(), scale);
  problem.shifted = false;
  problem.args.form = GENERATE(GemmForm::codes, GemmForm::sums);
  CHECK(problem.run(variant) == problem.run(scalar_twin<TestType>()));
}

TEMPLATE_TEST_CASE("gemm: two rows by hand", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  const GemmPacking packing{2, 2, 1, gemm_tile(variant.isa)};
  std::vector<int8_t> b(packing.size());
  b[packing.index(0, 0, 0)] = 3, b[packing.index(1, 0, 0)] = -5, b[packing.index(0, 0, 1)] = 1, b[packing.index(1, 0, 1)] = 2;
  const std::vector<int8_t> a{10, 20, 30};
  const std::vector<ptrdiff_t> offsets{1, 0, 0, 1};  // rows (20, 10) and (10, 20)
  std::vector<int32_t> start(packing.padded_n());
  start[0] = 1;
  const std::vector<float> scale(packing.padded_n(), 0.5f);
  std::vector<int8_t> out(4);
  variant.run({a.data() + 0,
               0,
               offsets.data(),
               2,
               2,
               packing,
               b.data(),
               false,
               start.data(),
               nullptr,
               scale.data(),
               nullptr,
               GemmForm::codes,
               4,
               -30,
               26,
               nullptr,
               out.data(),
               2,
               1,
               {}});
  // 60 - 50 + 1 = 11, 5.5 -> 6, + 4;   20 + 20 = 40, 20 + 4;   30 - 100 + 1 = -69, -34.5 -> -34, + 4, bounded;   10 + 40 = 50, 29, bounded
  CHECK(out == std::vector<int8_t>{10, 24, -30, 26});
}

TEMPLATE_TEST_CASE("gemm: nothing is done for no rows", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  GemmProblem<TestType> problem(variant, 0, 9, 1, 16, 1);
  CHECK(problem.run(variant) == Guarded<uint8_t>(0));
}

TEMPLATE_TEST_CASE("gemm: a rectangle of whole panels gives the same codes as the whole", "", Gemm, GemmU8) {
  const auto variant = any_variant<TestType>();
  GemmProblem<TestType> problem(variant, 11, 21, 3, 19, 2);
  const auto whole = problem.run(variant);
  Guarded<uint8_t> out(11 * problem.args.out_stride);
  const size_t nr = problem.args.packing.tile.nr;
  for (const auto& [i, m] : {std::pair<size_t, size_t>{0, 5}, {5, 6}})
    for (size_t panel = 0; panel < problem.args.packing.panels(); ++panel) {
      GemmArgs part = problem.args;
      part.m = m, part.offsets += i, part.b += panel * part.packing.panel_size();
      part.start += panel * nr, part.scale += panel * nr, part.shift += panel * nr;
      part.out = out.data() + i * part.out_stride + panel * nr;
      part.packing.n = std::min(nr, 21 - panel * nr);
      variant.run(part);
    }
  CHECK(out == whole);
}

TEST_CASE("gemm_pack: columns and depths of any step") {
  const auto variant = any_variant<GemmPack>();
  const GemmPacking packing{21, 2, 7, gemm_tile(Isa::avx512vbmi)};
  const auto b = random_bytes(21 * 2 * 7 * 3, 3);
  Guarded<int8_t> packed(packing.size()), expected(packing.size());
  GemmPackArgs args{b.data(), 1, 2, 42, 0x80, packing, packed.data(), nullptr};
  variant.run(args);
  args.packed = expected.data();
  scalar_twin<GemmPack>().run(args);
  CHECK(packed == expected);
}

TEST_CASE("gemm_pack: every variant packs every tile as the scalar twin does, with the sums of the columns") {
  const auto variant = any_variant<GemmPack>();
  const auto isa = GENERATE(Isa::scalar, Isa::neon, Isa::neoni8mm, Isa::avx512vbmi);
  const bool transposed = GENERATE(false, true), summed = GENERATE(false, true);
  const size_t taps = GENERATE(1, 3);
  const uint8_t flip = GENERATE(0, 0x80);
  for (const size_t n : {1, 7, 8, 9, 16, 33})
    for (const size_t depth : {1, 3, 4, 5, 8, 9, 15, 16, 17, 24, 33, 64}) {
      const GemmPacking packing{n, taps, depth, gemm_tile(isa)};
      const auto b = random_bytes(n * taps * depth, 3);
      Guarded<int8_t> packed(packing.size()), expected(packing.size());
      Guarded<int32_t> sums(packing.padded_n()), expected_sums(packing.padded_n());
      GemmPackArgs args{b.data(), depth * n, transposed ? 1 : n, transposed ? depth : 1, flip, packing, packed.data(), nullptr};
      if (summed) args.sums = sums.data();
      variant.run(args);
      args.packed = expected.data(), args.sums = summed ? expected_sums.data() : nullptr;
      scalar_twin<GemmPack>().run(args);
      CAPTURE(n, depth);
      REQUIRE(packed == expected);
      REQUIRE(sums == expected_sums);
    }
}

TEST_CASE("gemm_pack: groups of a last, narrower block lie side by side") {
  const GemmPacking packing{9, 1, 20, gemm_tile(Isa::neon)};
  CHECK(packing.padded_depth() == 24);
  CHECK(packing.size() == 2 * 8 * 24);
  CHECK(packing.index(0, 15, 1) == 31);
  CHECK(packing.index(0, 16, 1) == 8 * 16 + 8);
  CHECK(packing.index(0, 17, 8) == 8 * 24 + 8 * 16 + 1);
}

TEMPLATE_TEST_CASE("row_sums: every variant equals the scalar twin", "", RowSums, RowSumsU8) {
  const auto variant = any_variant<TestType>();
  const size_t depth = GENERATE(from_range(kLengths)), m = GENERATE(0, 1, 5);
  const int32_t factor = GENERATE(1, -7, 128);
  const auto bytes = random_bytes(m * (depth + 1), 4);
  Guarded<int32_t> out(m), expected(m);
  RowSumsArgs args{reinterpret_cast<const int8_t*>(bytes.data()), depth + 1, m, depth, factor, out.data()};
  variant.run(args);
  args.out = expected.data();
  scalar_twin<TestType>().run(args);
  CHECK(out == expected);
}

}  // namespace
}  // namespace qtool::kernels
