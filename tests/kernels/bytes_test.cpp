#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

TEST_CASE("lookup: every variant equals the scalar twin") {
  const auto variant = any_variant<Lookup>();
  const size_t n = GENERATE(from_range(kLengths));
  const auto in = random_bytes(n, 1), table = random_bytes(256, 2);
  Guarded<uint8_t> out(n), expected(n);
  variant.run({in.data(), out.data(), n, table.data()});
  scalar_twin<Lookup>().run({in.data(), expected.data(), n, table.data()});
  CHECK(out == expected);
}

TEST_CASE("flip: every variant turns the top bit") {
  const auto variant = any_variant<Flip>();
  const size_t n = GENERATE(from_range(kLengths));
  const auto in = random_bytes(n, 1);
  Guarded<uint8_t> out(n), expected(n);
  variant.run({in.data(), out.data(), n});
  for (size_t i = 0; i < n; ++i) expected.data()[i] = in[i] ^ 0x80;
  CHECK(out == expected);
}

TEST_CASE("transpose: every variant equals the scalar twin") {
  const auto variant = any_variant<Transpose>();
  const size_t rows = GENERATE(1, 2, 3, 4, 5, 16, 17, 35), columns = GENERATE(1, 3, 17, 18, 34, 50, 16);
  const size_t width = GENERATE(1, 4), slack = GENERATE(0, 2);
  const auto in = random_bytes(rows * (columns + slack) * width, 4);
  const size_t size = columns * (rows + slack) * width;
  Guarded<uint8_t> out(size), expected(size);
  variant.run({in.data(), out.data(), rows, columns, columns + slack, rows + slack, width});
  scalar_twin<Transpose>().run({in.data(), expected.data(), rows, columns, columns + slack, rows + slack, width});
  CHECK(out == expected);
}

}  // namespace
}  // namespace qtool::kernels
