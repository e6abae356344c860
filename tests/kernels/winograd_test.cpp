#include <algorithm>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

/// A random 3 x 3 convolution, as Winograd takes it and as Gemm does.
struct Convolution {
  Convolution(size_t h, size_t w, size_t depth, size_t n, uint32_t seed) : packing{n, depth}, random(seed) {
    args.h = h, args.w = w, args.pixel_stride = depth + seed % 3, args.row_stride = (w + 2) * args.pixel_stride + seed % 5;
    args.tiles = (h + 3) / 4 * ((w + 3) / 4);
    args.product.packing = {n, 1, depth, gemm_tile(Isa::scalar)};
    args.product.out_zero_point = 3, args.product.lo = -128, args.product.hi = 127, args.product.out_stride = n + seed % 2;
    image.resize((h + 1) * args.row_stride + (w + 1) * args.pixel_stride + depth);
    weights.resize(n * depth * 9);
    for (auto& x : image) x = static_cast<int8_t>(random());
    for (auto& x : weights) x = static_cast<int8_t>(random());
    for (size_t c = 0; c < n + 8; ++c) {
      start.push_back(static_cast<int32_t>(random() % 20000) - 10000);
      scale.push_back(0.0007f + 0.0001f * static_cast<float>(c % 7)), shift.push_back(static_cast<float>(c % 11) * 1.25f - 5);
    }
  }

  void fill(GemmArgs& product, uint8_t* out) {
    product.a = image.data(), product.start = start.data(), product.scale = scale.data(), product.out = out;
    product.shift = shifted ? shift.data() : nullptr, product.table = looked_up ? table.data() : nullptr;
  }
  size_t out_bytes() const { return args.h * args.w * args.product.out_stride * (args.product.form == GemmForm::codes ? 1 : 4); }

  Guarded<uint8_t> run(const Variant<Winograd>& variant) {
    Guarded<uint8_t> out(out_bytes());
    std::vector<int16_t> packed(packing.size());
    pack_winograd(weights.data(), packing, packed.data());
    std::vector<int64_t> workspace(winograd_workspace(packing.depth) / 8 + 2, -1);
    args.weights = packed.data();
    args.workspace = workspace.data() + reinterpret_cast<uintptr_t>(workspace.data()) % 16 / 8;
    fill(args.product, out.data());
    variant.run(args);
    return out;
  }

  Guarded<uint8_t> run_gemm() {
    Guarded<uint8_t> out(out_bytes());
    GemmArgs product = args.product;
    product.packing.taps = 9, product.m = args.h * args.w, product.offsets_step = product.m;
    std::vector<int8_t> b(product.packing.size());
    for (size_t i = 0; i < weights.size(); ++i) b[product.packing.index(i % 9, i / 9 % packing.depth, i / 9 / packing.depth)] = weights[i];
    std::vector<ptrdiff_t> offsets;
    for (size_t t = 0; t < 9; ++t)
      for (size_t i = 0; i < product.m; ++i)
        offsets.push_back(static_cast<ptrdiff_t>((i / args.w + t / 3) * args.row_stride + (i % args.w + t % 3) * args.pixel_stride));
    product.b = b.data(), product.offsets = offsets.data();
    fill(product, out.data());
    scalar_twin<Gemm>().run(product);
    return out;
  }

  WinogradPacking packing;
  std::mt19937 random;
  WinogradArgs args{};
  bool shifted = true, looked_up = false;
  std::vector<int8_t> image, weights;
  std::vector<int32_t> start;
  std::vector<float> scale, shift;
  std::vector<uint8_t> table = random_bytes(256, 5);
};

TEST_CASE("winograd: every variant gives what gemm gives, over extents, depths and columns") {
  const auto variant = any_variant<Winograd>();
  const size_t n = GENERATE(1, 7, 8, 9, 16, 17, 24, 40), depth = GENERATE(1, 3, 7, 8, 9, 16, 21, 40);
  for (const auto& [h, w] : {std::pair<size_t, size_t>{1, 1}, {2, 9}, {4, 4}, {7, 7}, {8, 3}, {9, 21}}) {
    Convolution convolution(h, w, depth, n, static_cast<uint32_t>(7 * h + n + depth));
    CAPTURE(h, w);
    REQUIRE(convolution.run(variant) == convolution.run_gemm());
  }
}

TEST_CASE("winograd: every variant gives what gemm gives, over forms, bounds, tables and what may be left out") {
  const auto variant = any_variant<Winograd>();
  const auto form = GENERATE(GemmForm::codes, GemmForm::floats);
  const bool is_signed = GENERATE(false, true), bounded = GENERATE(false, true), table = GENERATE(false, true),
             shifted = GENERATE(false, true);
  for (const size_t n : {5, 16, 21}) {
    Convolution convolution(6, 7, 12, n, 11);
    auto& product = convolution.args.product;
    product.form = form, product.lo = is_signed ? -128 : 0, product.hi = is_signed ? 127 : 255;
    if (bounded) product.lo += 100, product.hi -= 80;
    convolution.shifted = shifted, convolution.looked_up = table;
    CAPTURE(n);
    CHECK(convolution.run(variant) == convolution.run_gemm());
  }
}

TEST_CASE("winograd: the largest sums are exact") {
  const auto variant = any_variant<Winograd>();
  const int a = GENERATE(-128, 127), b = GENERATE(-128, 127);
  const bool alternating = GENERATE(false, true);
  const size_t depth = b == -128 ? 227 : 229;
  Convolution convolution(5, 5, depth, 8, 1);
  std::fill(convolution.image.begin(), convolution.image.end(), static_cast<int8_t>(a));
  for (size_t i = 0; i < convolution.weights.size(); ++i)
    convolution.weights[i] = static_cast<int8_t>(alternating && i % 2 ? -b - (b == -128) : b);
  convolution.args.product.form = GemmForm::floats, convolution.shifted = false;
  std::fill(convolution.scale.begin(), convolution.scale.end(), 1.0f);
  REQUIRE(winograd_fits(convolution.weights.data(), 8, depth));
  CHECK(convolution.run(variant) == convolution.run_gemm());
}

TEST_CASE("winograd: weights whose magnitudes add up to 2^18 are refused") {
  std::vector<int8_t> weights(2 * 9 * 228, 0);
  std::fill(weights.begin() + 9 * 228, weights.end(), int8_t{-128});
  weights.back() = -64;  // 2051 * 128 + 64
  CHECK_FALSE(winograd_fits(weights.data(), 2, 228));
  std::fill_n(weights.begin() + 9 * 228, 4, int8_t{0});
  CHECK(winograd_fits(weights.data(), 2, 228));
  CHECK(winograd_fits(weights.data(), 1, 228));
}

TEST_CASE("winograd: tiles and panels one by one give the same as the whole") {
  const auto variant = any_variant<Winograd>();
  Convolution convolution(9, 11, 10, 35, 2);
  const auto whole = convolution.run(variant);
  Guarded<uint8_t> out(convolution.out_bytes());
  std::vector<int16_t> packed(convolution.packing.size());
  pack_winograd(convolution.weights.data(), convolution.packing, packed.data());
  alignas(16) static char workspace[winograd_workspace(10)];
  for (size_t tile = 0; tile < convolution.args.tiles; ++tile)
    for (size_t panel = 0; panel < convolution.packing.panels(); ++panel) {
      WinogradArgs part = convolution.args;
      const size_t column = panel * WinogradPacking::kPanel;
      part.first = tile, part.tiles = 1, part.workspace = workspace,
      part.weights = packed.data() + panel * convolution.packing.panel_size();
      part.product.packing.n = std::min(WinogradPacking::kPanel, 35 - column);
      part.product.start += column, part.product.scale += column, part.product.shift += column, part.product.out = out.data() + column;
      variant.run(part);
    }
  CHECK(out == whole);
}

}  // namespace
}  // namespace qtool::kernels
