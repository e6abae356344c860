// Runs each row of the table in docs/arm.md between two marks, for scripts/arm/costs to count the instructions of. Prints per row its
// mark, its name and the number of units (multiply-accumulates or elements) it is worth.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

constexpr long kMark = 0x7154;  // a system call nobody has; see scripts/arm/insncount.c

template <class T>
std::vector<T> ramp(size_t n) {
  std::vector<T> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<T>(static_cast<int>(i * 37 % 251) - 125);
  return values;
}

void row(const std::string& name, size_t units, const std::function<void()>& run) {
  static long mark = 0;
  run();
  syscall(kMark, mark++);
  run();
  syscall(kMark, mark);
  std::printf("%ld\t%s\t%zu\n", mark++, name.c_str(), units);
}

/// A product with weights; kernel x kernel windows of an image h x w x depth.
struct Product {
  Product(size_t h, size_t w, size_t depth, size_t n, size_t kernel, size_t stride) : args{} {
    const size_t out_h = (h - 1) / stride + 1, out_w = (w - 1) / stride + 1, taps = kernel * kernel;
    args.m = out_h * out_w, args.packing = {n, taps, depth, gemm_tile(best<Gemm>().isa)};
    a = ramp<int8_t>((h * w + 1) * depth), b = ramp<int8_t>(args.packing.size());
    for (size_t t = 0; t < taps; ++t)
      for (size_t y = 0; y < out_h; ++y)
        for (size_t x = 0; x < out_w; ++x) {
          const size_t iy = y * stride + t / kernel - kernel / 2, ix = x * stride + t % kernel - kernel / 2;
          offsets.push_back(static_cast<ptrdiff_t>((iy < h && ix < w ? iy * w + ix : h * w) * depth));
        }
    start.resize(args.packing.padded_n()), scale.assign(args.packing.padded_n(), 1e-4f), shift.assign(args.packing.padded_n(), 0.5f);
    out.resize(args.m * n);
    args.a = a.data(), args.a_stride = depth, args.offsets = kernel == 1 ? nullptr : offsets.data(), args.offsets_step = args.m;
    args.b = b.data(), args.start = start.data(), args.scale = scale.data(), args.shift = shift.data();
    args.lo = -128, args.hi = 127, args.out = out.data(), args.out_stride = n;
  }
  void cost(const std::string& name) const {
    row(name, args.m * args.packing.n * args.packing.taps * args.packing.depth, [this] { best<Gemm>().run(args); });
  }

  GemmArgs args;
  std::vector<int8_t> a, b;
  std::vector<ptrdiff_t> offsets;
  std::vector<int32_t> start;
  std::vector<float> scale, shift;
  std::vector<uint8_t> out;
};

/// 3 x 3, stride 1, as the level does it: the baseline by Winograd's algorithm.
void convolution_3x3(size_t side, size_t depth, size_t n, const std::string& name) {
  Product direct(side, side, depth, n, 3, 1);
  if (best<Gemm>().isa != Isa::neon) return direct.cost(name);
  const WinogradPacking packing{n, depth};
  std::vector<int8_t> weights = ramp<int8_t>(9 * n * depth), image = ramp<int8_t>((side + 2) * (side + 2) * depth);
  std::vector<int16_t> packed(packing.size());
  std::vector<int64_t> workspace(winograd_workspace(depth) / 8 + 1);
  pack_winograd(weights.data(), packing, packed.data());
  WinogradArgs args{direct.args, side, side, (side + 2) * depth, depth, 0, (side + 3) / 4 * ((side + 3) / 4), packed.data(), nullptr};
  args.product.a = image.data(), args.workspace = workspace.data() + reinterpret_cast<uintptr_t>(workspace.data()) % 16 / 8;
  row(name, side * side * n * 9 * depth, [&] { best<Winograd>().run(args); });
}

/// Three channels: rows of the window side by side in memory, and the border around the image there already.
void stem() {
  Product p(224, 224, 9, 32, 3, 2);
  p.args.m = 112 * 112, p.args.packing = {32, 1, 27, gemm_tile(best<Gemm>().isa)}, p.args.offsets_step = p.args.m, p.args.pieces = 3;
  p.a = ramp<int8_t>(226 * 226 * 3), p.b = ramp<int8_t>(p.args.packing.size()), p.out.resize(p.args.m * 32), p.offsets.clear();
  for (size_t t = 0; t < 3; ++t)
    for (size_t i = 0; i < p.args.m; ++i) p.offsets.push_back(static_cast<ptrdiff_t>(((i / 112 * 2 + t) * 226 + i % 112 * 2) * 3));
  p.args.a = p.a.data(), p.args.b = p.b.data(), p.args.offsets = p.offsets.data(), p.args.out = p.out.data();
  p.cost("stem 3x3 s2 224x224 3>32");
}

void products() {
  Product(14, 14, 384, 64, 1, 1).cost("1x1 14x14 384>64");
  Product(112, 112, 32, 16, 1, 1).cost("1x1 112x112 32>16");
  Product(7, 7, 320, 1280, 1, 1).cost("1x1 7x7 320>1280");
  convolution_3x3(56, 64, 64, "3x3 56x56 64>64");
  stem();
  convolution_3x3(7, 512, 512, "3x3 7x7 512>512");
  convolution_3x3(32, 16, 16, "3x3 32x32 16>16");
  Product(1, 1, 1280, 1000, 1, 1).cost("FC 1x1280>1000");
  Product(128, 1, 768, 768, 1, 1).cost("128x768x768");
  Product(128, 1, 768, 3072, 1, 1).cost("128x768x3072");
}

/// A depthwise convolution with "same" padding to h x w: two output rows at once where the stride is 1.
struct Window {
  Window(size_t h, size_t w, size_t channels, size_t kernel, size_t stride = 1)
      : image(ramp<uint8_t>(h * w * channels * stride * stride)),
        outside(w * stride * channels, 128),
        out(h * w * channels),
        macs(h * w * channels * kernel * kernel) {
    const size_t groups = (kernel + 3) / 4, at_once = stride == 1 ? 2 : 1;
    const DepthwisePacking packing{channels, kernel, groups, at_once};
    weights.resize(packing.size());
    for (size_t block = 0; block < packing.blocks(); ++block)
      for (size_t i = 0; i < at_once * kernel * kernel * 16; ++i) {
        const size_t t = i / (16 * kernel * kernel), kx = i / 16 % kernel, r = t + i / (16 * kernel) % kernel;
        const size_t tap = i % (16 * kernel * kernel);
        weights[packing.index(block, t, kx, r, packing.first(block) + i % 16)] = static_cast<int8_t>(tap * 37 % 251) - 125;
      }
    start.resize(channels), scale.assign(channels, 1e-3f), shift.assign(channels, 0.5f);
    for (size_t y = 0; y < h; y += at_once) {
      for (size_t r = 0; r < 4 * groups; ++r) {
        const size_t iy = y * stride + r - kernel / 2;
        rows.push_back(iy < h * stride ? image.data() + iy * w * stride * channels : outside.data());
      }
      uint8_t* to = out.data() + y * w * channels;
      calls.push_back({nullptr,
                       groups,
                       kernel,
                       stride,
                       1,
                       kernel / 2,
                       channels,
                       w * stride,
                       w,
                       std::min(at_once, h - y),
                       0x80,
                       128,
                       weights.data(),
                       at_once,
                       start.data(),
                       scale.data(),
                       shift.data(),
                       3,
                       -128,
                       127,
                       nullptr,
                       {to, to + w * channels}});
    }
    for (size_t i = 0; i < calls.size(); ++i) calls[i].rows = rows.data() + 4 * groups * i;
    calls.resize(1);
    calls[0].times = h / at_once, calls[0].out_step = at_once * w * channels;
  }
  void cost(const std::string& name) const {
    row(name, macs, [this] {
      for (const auto& call : calls) best<Depthwise>().run(call);
    });
  }

  std::vector<uint8_t> image, outside, out;
  size_t macs;
  std::vector<int8_t> weights;
  std::vector<int32_t> start;
  std::vector<float> scale, shift;
  std::vector<const uint8_t*> rows;
  std::vector<DepthwiseArgs> calls;
};

/// f32 rows and packed weights: 1280 x 1000 floats, s8, and 4 bits in groups of 32.
void packed_weights() {
  constexpr size_t kDepth = 1280, kColumns = 1000, kMacs = kDepth * kColumns, kPanels = kColumns / 8, kGroup = 32;
  const FloatGemmPacking packing{kColumns, 1, kDepth};
  const auto codes = ramp<int8_t>(packing.size());
  const auto* halves = reinterpret_cast<const uint8_t*>(codes.data());
  const std::vector<uint8_t> zero(packing.size() / kGroup, 8);
  const std::vector<float> x(16 * kDepth, 0.5f), scale(packing.size() / kGroup, 0.01f), start(packing.padded_n(), 0.1f);
  std::vector<float> b(packing.size(), 0.25f), y(16 * kColumns);
  const GemvRow row_of{x.data(), packing, scale.data(), kGroup, start.data(), -1e30f, 1e30f, y.data()};
  for (const size_t m : {size_t{1}, size_t{16}})
    row("f32 " + std::to_string(m) + "x1280>1000", m * kMacs, [&] {
      best<FloatGemm>().run({x.data(), kDepth, nullptr, 0, m, packing, b.data(), start.data(), -1e30f, 1e30f, y.data(), kColumns});
    });
  row("f32 1x1280>1000, s8 weights", kMacs, [&] { best<GemvBytes>().run({row_of, codes.data()}); });
  row("f32 1x1280>1000, 4-bit weights", kMacs, [&] { best<GemvNibbles>().run({row_of, halves, zero.data()}); });
  row("widen s8", kMacs, [&] { best<Widen>().run({codes.data(), scale.data(), b.data(), kDepth * kPanels, kGroup}); });
  row("widen 4 bits", kMacs, [&] { best<WidenNibbles>().run({halves, scale.data(), zero.data(), b.data(), kDepth * kPanels, kGroup}); });
}

void windows() {
  Window(112, 112, 32, 3).cost("dw 3x3 112x112x32");
  Window(14, 14, 384, 3).cost("dw 3x3 14x14x384");
  Window(14, 14, 240, 5).cost("dw 5x5 14x14x240");
  Window(56, 56, 96, 3, 2).cost("dw 3x3 s2 112x112x96");
}

void pools() {
  const size_t channels = 64, pixels = 196;
  const auto image = ramp<uint8_t>(1280 * 49);
  std::vector<uint8_t> out(pixels * channels);
  std::vector<const void*> taps;
  for (size_t t = 0; t < 49; ++t) taps.push_back(image.data() + t * 1280);
  std::vector<uint8_t> mean(1280);
  row("global average 7x7x1280, per input", 49 * 1280, [&] {
    best<Average>().run({taps.data(), 49, 1280, 49.0, mean.data(), false, true, 0.02f, 3, 0.02f, 3, -128, 127});
  });
  std::vector<const uint8_t*> nine;
  for (size_t t = 0; t < 9; ++t) nine.push_back(image.data() + t * channels);
  row("max pool 3x3, 64 channels, per output", pixels * channels, [&] {
    for (size_t i = 0; i < pixels; i += 14)
      best<Maximum>().run({nine.data(), 9, channels, out.data() + i * channels, true, {14, channels, channels}});
  });
}

void codes_and_floats() {
  const size_t n = 200704;
  const auto a = ramp<uint8_t>(n), b = ramp<uint8_t>(n), table = ramp<uint8_t>(256);
  const auto x = ramp<float>(n);
  std::vector<uint8_t> out(n);
  std::vector<float> y(n);
  const ArithmeticOperand left{a.data(), 0.031f, 3, true, false}, right{b.data(), 0.027f, -5, true, false};
  const auto arithmetic = [&](ArithmeticOp op, float scale) {
    best<Arithmetic>().run({op, left, right, out.data(), n, -1e30f, 1e30f, scale, 2, -128, 127});
  };
  row("add", n, [&] { arithmetic(ArithmeticOp::add, 0.0571f); });
  row("mul", n, [&] { arithmetic(ArithmeticOp::mul, 0.173f); });
  row("table", n, [&] { best<Lookup>().run({a.data(), out.data(), n, table.data()}); });
  row("flip", n, [&] { best<Flip>().run({a.data(), out.data(), n}); });
  row("quantize", n, [&] { best<Quantize>().run({x.data(), out.data(), n, 0.731f, 3, -128, 127}); });
  row("dequantize", n, [&] { best<Dequantize>().run({a.data(), y.data(), n, 0.031f, 3, true}); });
  row("extremes", n, [&] {
    float lo, hi;
    best<Extremes>().run({x.data(), n, &lo, &hi});
  });
  row("f32 add", n, [&] { best<Combine>().run({ArithmeticOp::add, x.data(), y.data(), false, false, y.data(), n}); });
  PiecewiseTable pieces;
  pieces.slope = 0.1f, pieces.offset = 16;
  row("f32 to codes by pieces", n, [&] { best<Piecewise>().run({&pieces, x.data(), out.data(), n, 3, -128, 127}); });
  row("f32 gelu", n, [&] { best<Curve>().run({CurveKind::gelu_erf, 0, 0, x.data(), y.data(), n}); });
  const std::vector<int32_t> lines(64, 70000);
  row("line a channel, 64 channels", n, [&] {
    best<Affine>().run({a.data(), out.data(), n / 64, 64, 0, lines.data(), lines.data(), 16, 0, 255});
  });
  row("local response 5, 64 channels", n, [&] {
    best<LocalResponse>().run({a.data(), out.data(), y.data(), n / 64, 64, 2, false, 117, 2.5e-7f, 1, 2.5f, 117, 0, 255});
  });
  auto scores = x;
  for (auto& score : scores) score /= 16;
  row("softmax 1536x128", n - n % 128, [&] { best<Softmax>().run({scores.data(), y.data(), n / 128, 128}); });
  row("layer norm 261x768", 261 * 768, [&] { best<LayerNorm>().run({x.data(), x.data(), x.data(), y.data(), 261, 768, 1e-5f}); });
}

void moves() {
  const auto in = ramp<uint8_t>(768 * 256);
  std::vector<uint8_t> out(768 * 256);
  std::vector<int32_t> sums(768);
  row("transpose 256x768", 768 * 256, [&] { best<Transpose>().run({in.data(), out.data(), 256, 768, 768, 256, 1}); });
  row("copy of rows of 64", 768 * 256, [&] { best<CopyRows>().run({in.data(), 64, out.data(), 64, 3072, 64}); });
  std::vector<uint32_t> shuffled;
  for (uint32_t i = 0; i < 256; ++i) shuffled.push_back(i % 2 * 128 + i / 2);
  const PermuteTable halves(shuffled, 256);
  row("shuffle of 256 channels", 768 * 256, [&] { best<Permute>().run({in.data(), out.data(), 768, &halves}); });
  const GemmPacking packing{768, 1, 256, gemm_tile(best<Gemm>().isa)};
  auto* packed = reinterpret_cast<int8_t*>(out.data());
  row("pack 256x768", 768 * 256, [&] { best<GemmPack>().run({in.data(), 0, 768, 1, 0, packing, packed, sums.data()}); });
  row("pack 768x256 transposed", 768 * 256, [&] { best<GemmPack>().run({in.data(), 0, 1, 256, 0, packing, packed, sums.data()}); });
  row("row sums 256x768", 768 * 256, [&] {
    best<RowSums>().run({reinterpret_cast<const int8_t*>(in.data()), 768, 256, 768, -3, sums.data()});
  });
}

}  // namespace
}  // namespace qtool::kernels

int main() {
  qtool::kernels::products();
  qtool::kernels::packed_weights();
  qtool::kernels::windows();
  qtool::kernels::pools();
  qtool::kernels::codes_and_floats();
  qtool::kernels::moves();
}
