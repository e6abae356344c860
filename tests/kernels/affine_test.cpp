#include <algorithm>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

/// Lines that span the range the contract allows: steep ones, flat ones, far ones.
struct AffineProblem {
  AffineProblem(size_t channels, size_t pixels, uint32_t seed) : in(random_bytes(channels * pixels, seed)) {
    std::mt19937 random(seed);
    multiplier.resize((channels + 63) / 64 * 64), offset.resize(multiplier.size());
    for (size_t c = 0; c < channels; ++c) {
      const int32_t m = (static_cast<int32_t>(random() % (1u << 23)) - (1 << 22)) >> random() % 8;
      multiplier[affine_index(c)] = std::max(m, -(1 << 22) + 1);
      const int32_t room = (1 << 30) - 255 * std::abs(multiplier[affine_index(c)] / 2) - 256;
      offset[affine_index(c)] = -multiplier[affine_index(c)] / 2 * 255 + static_cast<int32_t>(random() % 256) * (room / 256);
    }
    args.in = in.data(), args.pixels = pixels, args.channels = channels;
    args.multiplier = multiplier.data(), args.offset = offset.data();
  }
  Guarded<uint8_t> run(const Variant<Affine>& variant) {
    Guarded<uint8_t> out(in.size());
    args.out = out.data();
    variant.run(args);
    return out;
  }
  std::vector<uint8_t> in;
  std::vector<int32_t> multiplier, offset;
  AffineArgs args{};
};

TEST_CASE("affine: every variant equals the scalar twin") {
  const auto variant = any_variant<Affine>();
  const size_t channels = GENERATE(1, 15, 63, 64, 65, 200), pixels = GENERATE(1, 7, 8, 19);
  const uint8_t flip = GENERATE(0, 0x80);
  const int shift = GENERATE(16, 18, 20);
  AffineProblem problem(channels, pixels, static_cast<uint32_t>(channels));
  problem.args.flip = flip, problem.args.shift = shift;
  for (const auto& [lo, hi] : {std::pair{0, 255}, {-128, 127}, {117, 255}, {3, 90}, {-20, -10}}) {
    problem.args.lo = lo, problem.args.hi = hi;
    CAPTURE(lo, hi);
    CHECK(problem.run(variant) == problem.run(scalar_twin<Affine>()));
  }
}

TEST_CASE("affine: a line by hand") {
  const uint8_t in[] = {10, 10, 200, 250};
  uint8_t out[4];
  std::vector<int32_t> multiplier(64, 0), offset(64, 0);
  multiplier[affine_index(0)] = 3 << 19, offset[affine_index(0)] = -5 << 20;      // 1.5 x - 5
  multiplier[affine_index(1)] = -(1 << 20), offset[affine_index(1)] = 300 << 20;  // 300 - x
  any_variant<Affine>().run({in, out, 2, 2, 0, multiplier.data(), offset.data(), 20, 0, 255});
  CHECK(int(out[0]) == 10);
  CHECK(int(out[1]) == 255);
  CHECK(int(out[2]) == 255);
  CHECK(int(out[3]) == 50);
}

}  // namespace
}  // namespace qtool::kernels
