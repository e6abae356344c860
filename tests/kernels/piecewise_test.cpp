#include <cmath>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

PiecewiseTable random_table() {
  std::mt19937 random(3);
  PiecewiseTable table;
  table.slope = 3.7f, table.offset = 15.6f;
  for (auto& row : table.c)
    for (float& c : row) c = std::uniform_real_distribution<float>(-90, 90)(random);
  for (const size_t end : {size_t{0}, PiecewiseTable::kPieces - 1})
    for (size_t k = 2; k < PiecewiseTable::kOrder; ++k) table.c[k][end] = 0;
  return table;
}

TEST_CASE("piecewise: every variant equals the scalar twin") {
  const auto variant = any_variant<Piecewise>();
  const size_t n = GENERATE(from_range(kLengths));
  const bool is_signed = GENERATE(false, true);
  const PiecewiseTable table = random_table();
  std::mt19937 random(5);
  std::vector<float> in(n);
  for (float& x : in) x = std::uniform_real_distribution<float>(-7, 7)(random);
  if (n > 9) in[1] = NAN, in[2] = 1e6f, in[3] = -1e6f, in[4] = (5 - table.offset) / table.slope, in[5] = -0.0f;
  Guarded<uint8_t> codes(n), expected(n);
  PiecewiseArgs args{&table, in.data(), codes.data(), n, is_signed ? -3 : 7, is_signed ? -128 : 0, is_signed ? 127 : 250};
  variant.run(args);
  args.codes = expected.data();
  scalar_twin<Piecewise>().run(args);
  CHECK(codes == expected);
}

TEST_CASE("piecewise: pieces by hand") {
  PiecewiseTable table;
  table.slope = 2, table.offset = 10;
  table.c[0][10] = 1, table.c[1][10] = 4, table.c[2][10] = 8;  // x in [0, .5): r = 2 x
  table.c[0][0] = 5, table.c[1][0] = 1;                        // x below -4.5: r = 2 x + 10
  table.c[0][31] = 100;
  const std::vector<float> in{0, 0.25f, -7, 50, NAN};  // 1, 1 + 2 + 2, 5 - 4, 100
  std::vector<uint8_t> codes(5);
  any_variant<Piecewise>().run({&table, in.data(), codes.data(), 5, 3, 0, 90});
  CHECK(codes == std::vector<uint8_t>{4, 8, 4, 90, 3});
}

}  // namespace
}  // namespace qtool::kernels
