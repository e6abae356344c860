#include <algorithm>
#include <numeric>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

/// Arguments with what they point to; out_rows rows of output with guard bytes.
struct DepthwiseProblem {
  DepthwiseProblem(DepthwisePacking packing, size_t stride, size_t in_width, uint32_t seed) : random(seed) {
    args.groups = packing.groups, args.kw = packing.kw, args.stride = stride, args.dilation = 1, args.channels = packing.channels;
    args.in_width = in_width, args.shifts = args.out_rows = packing.shifts;
    args.zero_point = 131, args.out_zero_point = 7, args.hi = 255;
    for (size_t r = 0; r < 4 * packing.groups; ++r)
      rows.push_back(random_bytes(in_width * packing.channels, seed + static_cast<uint32_t>(r)));
    for (const auto& row : rows) pointers.push_back(row.data());
    for (auto& w : weights = std::vector<int8_t>(packing.size())) w = static_cast<int8_t>(random());
    set_weights(packing);
    const size_t padded = std::max<size_t>(16, packing.channels);
    for (size_t c = 0; c < padded; ++c) {
      scale.push_back(0.001f + 0.0001f * static_cast<float>(c % 7)), shift.push_back(static_cast<float>(c % 11) * 9.25f);
    }
  }

  void set_weights(const DepthwisePacking& p) {
    for (size_t c = 0; p.shifts == 2 && c < p.channels; ++c) move_down(p, c);
    agree_where_blocks_overlap(p);
    start.assign(std::max<size_t>(16, p.channels), 0);
    for (size_t c = 0; c < p.channels; ++c)
      for (size_t kx = 0; kx < p.kw; ++kx)
        for (size_t r = 0; r < 4 * p.groups; ++r) start[c] -= 128 * weights[p.index(c / 16, 0, kx, r, c)];
  }

  /// The second output row's weights are the first's, a row further down.
  void move_down(const DepthwisePacking& p, size_t c) {
    for (size_t kx = 0; kx < p.kw; ++kx)
      for (size_t r = 0, rows = 4 * p.groups; r < rows; ++r)
        weights[p.index(c / 16, 1, kx, (r + 1) % rows, c)] = weights[p.index(c / 16, 0, kx, r, c)];
  }

  /// A channel that lies in two blocks has the same weights in both.
  void agree_where_blocks_overlap(const DepthwisePacking& p) {
    const size_t last = p.blocks() - 1;
    for (size_t c = p.first(last); last > 0 && c < 16 * last; ++c)
      for (size_t t = 0; t < p.shifts; ++t)
        for (size_t kx = 0; kx < p.kw; ++kx)
          for (size_t r = 0; r < 4 * p.groups; ++r) weights[p.index(last, t, kx, r, c)] = weights[p.index(last - 1, t, kx, r, c)];
  }

  Guarded<uint8_t> run(const Variant<Depthwise>& variant) {
    Guarded<uint8_t> out(2 * args.out_width * args.channels + 5);
    run_on(variant, out.data());
    return out;
  }

  void run_on(const Variant<Depthwise>& variant, uint8_t* out) {
    args.rows = pointers.data(), args.weights = weights.data(), args.start = start.data(), args.scale = scale.data();
    args.shift = shift.data(), args.out[0] = out, args.out[1] = out + args.out_width * args.channels + 5;
    variant.run(args);
  }

  std::mt19937 random;
  DepthwiseArgs args{};
  std::vector<std::vector<uint8_t>> rows;
  std::vector<const uint8_t*> pointers;
  std::vector<int8_t> weights;
  std::vector<int32_t> start;
  std::vector<float> scale, shift;
};

const std::vector<size_t> kChannels{1, 8, 15, 16, 17, 24, 40};

TEST_CASE("depthwise: every variant equals the scalar twin over windows, strides, edges and channels") {
  const auto variant = any_variant<Depthwise>();
  const size_t kw = GENERATE(1, 2, 3, 5, 7, 9), groups = GENERATE(1, 2), stride = GENERATE(1, 2, 3), rows = GENERATE(1, 2);
  const size_t channels = GENERATE(from_range(kChannels));
  for (const size_t in_width : {1, 4, 9, 21}) {
    for (const size_t left : {size_t{0}, kw / 2, kw}) {
      DepthwiseProblem problem({channels, kw, groups, rows}, stride, in_width, static_cast<uint32_t>(7 * kw + channels));
      problem.args.left = left;
      problem.args.out_width = (in_width + left) / stride + 1;  // reaches beyond the right edge
      CAPTURE(in_width, left);
      CHECK(problem.run(variant) == problem.run(scalar_twin<Depthwise>()));
    }
  }
}

TEST_CASE("depthwise: every variant equals the scalar twin over codes, bounds, tables and dilations") {
  const auto variant = any_variant<Depthwise>();
  const bool flipped = GENERATE(false, true), is_signed = GENERATE(false, true), bounded = GENERATE(false, true),
             table = GENERATE(false, true);
  const size_t dilation = GENERATE(1, 2), kw = GENERATE(3, 5);
  const auto entries = random_bytes(256, 3);
  DepthwiseProblem problem({24, kw, (kw + 3) / 4, 1}, 1, 30, 11);
  problem.args.left = kw / 2 * dilation, problem.args.dilation = dilation, problem.args.out_width = 30;
  problem.args.flip = flipped ? 0x80 : 0;
  problem.args.lo = (is_signed ? -128 : 0) + (bounded ? 20 : 0), problem.args.hi = (is_signed ? 127 : 255) - (bounded ? 150 : 0);
  problem.args.lo = std::min(problem.args.lo, problem.args.hi);
  problem.args.table = table ? entries.data() : nullptr;
  CHECK(problem.run(variant) == problem.run(scalar_twin<Depthwise>()));
}

TEST_CASE("depthwise: several rows in one call") {
  const auto variant = any_variant<Depthwise>();
  const size_t channels = GENERATE(5, 16, 40), rows = GENERATE(1, 2);
  const bool table = GENERATE(false, true);
  const auto entries = random_bytes(256, 3);
  DepthwiseProblem problem({channels, 3, 1, rows}, 1, 9, 7);
  problem.args.left = 1, problem.args.out_width = 9, problem.args.times = 3, problem.args.out_step = 19 * channels + 1;
  problem.args.table = table ? entries.data() : nullptr;
  for (size_t r = 4; r < 12; ++r) problem.rows.push_back(random_bytes(9 * channels, static_cast<uint32_t>(r)));
  problem.pointers.clear();
  for (const auto& row : problem.rows) problem.pointers.push_back(row.data());
  Guarded<uint8_t> out(3 * problem.args.out_step), expected(3 * problem.args.out_step);
  problem.run_on(variant, out.data());
  for (size_t i = 0; i < 3; ++i) {
    DepthwiseProblem one = problem;
    one.args.times = 1;
    one.pointers.erase(one.pointers.begin(), one.pointers.begin() + static_cast<ptrdiff_t>(4 * i));
    one.run_on(scalar_twin<Depthwise>(), expected.data() + i * problem.args.out_step);
  }
  CHECK(out == expected);
}

/// 3 x 3 taps over the rows of an image as a convolution takes them, several times in one call; no tap is -128.
struct ImageProblem : DepthwiseProblem {
  ImageProblem(size_t channels, size_t stride, size_t in_width, size_t times)
      : DepthwiseProblem({channels, 3, 1, stride == 1 ? size_t{2} : size_t{1}}, stride, in_width, static_cast<uint32_t>(in_width)) {
    const DepthwisePacking packing{channels, 3, 1, args.shifts};
    for (size_t c = 0; c < channels; ++c)
      for (size_t kx = 0; kx < 3; ++kx) {
        for (size_t r = 0; r < 3; ++r) {
          auto& w = weights[packing.index(c / 16, 0, kx, r, c)];
          w = w == -128 ? int8_t{127} : w;
        }
        weights[packing.index(c / 16, 0, kx, 3, c)] = 0;
      }
    set_weights(packing);
    rows.resize(args.shifts * times * stride + 3);
    for (size_t r = 0; r < rows.size(); ++r) rows[r] = random_bytes(in_width * channels, static_cast<uint32_t>(r));
    pointers.clear();
    for (size_t i = 0; i < 4 * times; ++i) pointers.push_back(rows[std::min(i / 4 * args.shifts * stride + i % 4, rows.size() - 1)].data());
    args.times = times, args.out_width = (in_width + 2) / stride + 1, args.left = 1, args.out_step = 2 * args.out_width * channels + 9;
  }

  Guarded<uint8_t> run_times(const Variant<Depthwise>& variant) {
    Guarded<uint8_t> out(args.times * args.out_step);
    run_on(variant, out.data());
    return out;
  }
};

TEST_CASE("depthwise: rows of an image below each other") {
  const auto variant = any_variant<Depthwise>();
  const size_t channels = GENERATE(16, 24, 48), stride = GENERATE(1, 2), times = GENERATE(1, 2, 3, 5), left = GENERATE(0, 1, 2, 6);
  const bool flipped = GENERATE(false, true);
  for (const size_t in_width : {1, 2, 3, 4, 5, 9, 14, 22}) {
    ImageProblem problem(channels, stride, in_width, times);
    problem.args.left = left, problem.args.flip = flipped ? 0x80 : 0;
    CAPTURE(in_width);
    CHECK(problem.run_times(variant) == problem.run_times(scalar_twin<Depthwise>()));
    problem.args.lo = -128, problem.args.hi = 127, problem.args.out_width = std::max<size_t>(1, in_width / stride);
    CHECK(problem.run_times(variant) == problem.run_times(scalar_twin<Depthwise>()));
  }
}

TEST_CASE("depthwise: rows of an image whose steps are ties, near 2^15 or beyond, or whose taps do not suit") {
  const auto variant = any_variant<Depthwise>();
  const int zero_point = GENERATE(-3, 0, 2);
  ImageProblem problem(32, 1, 13, 4);
  problem.args.lo = -128, problem.args.hi = 127, problem.args.out_zero_point = zero_point;
  SECTION("ties") {
    std::fill(problem.scale.begin(), problem.scale.end(), 0.125f);
    std::fill(problem.shift.begin(), problem.shift.end(), 12.0f);
  }
  SECTION("near") { std::fill(problem.scale.begin(), problem.scale.end(), 0.2f); }
  SECTION("beyond") { std::fill(problem.scale.begin(), problem.scale.end(), -0.5f); }
  SECTION("far beyond") { std::fill(problem.shift.begin(), problem.shift.end(), 1e8f); }
  SECTION("a tap of -128") {
    problem.weights[DepthwisePacking{32, 3, 1, 2}.index(1, 0, 1, 1, 20)] = -128, problem.set_weights({32, 3, 1, 2});
  }
  SECTION("a tap of the fourth row") {
    problem.weights[DepthwisePacking{32, 3, 1, 2}.index(1, 0, 1, 3, 20)] = 5, problem.set_weights({32, 3, 1, 2});
  }
  CHECK(problem.run_times(variant) == problem.run_times(scalar_twin<Depthwise>()));
}

TEST_CASE("depthwise: the largest sums are exact and saturate") {
  const auto variant = any_variant<Depthwise>();
  DepthwiseProblem problem({16, 8, 2, 1}, 1, 8, 1);
  problem.args.out_width = 1, problem.args.out_rows = 1;
  for (auto& row : problem.rows) std::fill(row.begin(), row.end(), uint8_t{255});
  std::fill(problem.weights.begin(), problem.weights.end(), int8_t{-128});
  problem.set_weights({16, 8, 2, 1});
  std::fill(problem.scale.begin(), problem.scale.end(), GENERATE(0.0001f, 500.0f, -500.0f));
  std::fill(problem.shift.begin(), problem.shift.end(), 0.0f);
  CHECK(problem.run(variant) == problem.run(scalar_twin<Depthwise>()));
}

TEST_CASE("depthwise: one window by hand") {
  const std::vector<uint8_t> row{1, 2, 3};
  const uint8_t* rows[] = {row.data(), row.data(), row.data(), row.data()};
  const DepthwisePacking packing{1, 3, 1, 1};
  std::vector<int8_t> weights(packing.size());
  for (const auto& [kx, w] : {std::pair{0, 1}, {1, -1}, {2, 10}})
    weights[packing.index(0, 0, static_cast<size_t>(kx), 2, 0)] = static_cast<int8_t>(w);
  const std::vector<int32_t> start(16, -1280);
  const std::vector<float> scale(16, 0.5f), shift(16, 641.5f);
  std::vector<uint8_t> table(256), out(2);
  std::iota(table.rbegin(), table.rend(), uint8_t{0});
  const bool looked_up = GENERATE(false, true);
  any_variant<Depthwise>().run({rows,
                                1,
                                3,
                                1,
                                1,
                                1,
                                1,
                                3,
                                2,
                                1,
                                0,
                                9,
                                weights.data(),
                                1,
                                start.data(),
                                scale.data(),
                                shift.data(),
                                3,
                                0,
                                255,
                                looked_up ? table.data() : nullptr,
                                {out.data(), nullptr}});
  // (9 - 128) * 1 - (1 - 128) + (2 - 128) * 10 = -1252, * 0.5 + 641.5 = 15.5 -> 16, + 3;   1 - 2 + 30 - 1280 = -1251, 16, + 3
  CHECK(int(out[0]) == (looked_up ? 255 - 19 : 19));
  CHECK(int(out[1]) == (looked_up ? 255 - 19 : 19));
}

}  // namespace
}  // namespace qtool::kernels
