#include <algorithm>

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
  const size_t rows = GENERATE(1, 2, 3, 4, 5, 16, 17, 35, 64, 66), columns = GENERATE(1, 3, 9, 17, 18, 34, 50, 16);
  const size_t width = GENERATE(1, 4), slack = GENERATE(0, 2);
  const auto in = random_bytes(rows * (columns + slack) * width, 4);
  const size_t size = columns * (rows + slack) * width;
  Guarded<uint8_t> out(size), expected(size);
  variant.run({in.data(), out.data(), rows, columns, columns + slack, rows + slack, width});
  scalar_twin<Transpose>().run({in.data(), expected.data(), rows, columns, columns + slack, rows + slack, width});
  CHECK(out == expected);
}

TEST_CASE("copy_rows: every variant equals the scalar twin and writes nothing between rows") {
  const auto variant = any_variant<CopyRows>();
  const size_t n = GENERATE(0, 1, 2, 3, 4, 5, 8, 13, 16, 20, 32, 33, 63, 64, 65, 130), rows = GENERATE(1, 5), gap = GENERATE(0, 3);
  const bool mapped = GENERATE(false, true);
  const auto from = random_bytes(rows * (n + gap) + 1, 2), table = random_bytes(256, 7);
  Guarded<uint8_t> to(rows * (n + 2 * gap)), expected(rows * (n + 2 * gap));
  CopyRowsArgs args{from.data(), n + gap, to.data(), n + 2 * gap, rows, n, mapped ? table.data() : nullptr};
  variant.run(args);
  args.to = expected.data();
  scalar_twin<CopyRows>().run(args);
  CHECK(to == expected);
}

TEST_CASE("permute: every variant equals the scalar twin") {
  const auto variant = any_variant<Permute>();
  const size_t in_width = GENERATE(1, 6, 63, 64, 65, 128, 129, 272, 544), width = GENERATE(1, 6, 63, 64, 65, 272), rows = GENERATE(1, 4);
  const auto in = random_bytes(rows * in_width, 5), choice = random_bytes(2 * width, 6);
  std::vector<uint32_t> index;
  for (size_t i = 0; i < width; ++i) index.push_back(static_cast<uint32_t>((choice[2 * i] * 256u + choice[2 * i + 1]) % in_width));
  const PermuteTable table(index, in_width);
  Guarded<uint8_t> out(rows * width), expected(rows * width);
  variant.run({in.data(), out.data(), rows, &table});
  scalar_twin<Permute>().run({in.data(), expected.data(), rows, &table});
  CHECK(out == expected);
  CHECK(expected.data()[rows * width - 1] == in[(rows - 1) * in_width + index[width - 1]]);
}

TEST_CASE("maximum: every variant equals the scalar twin, which orders as the type does") {
  const auto variant = any_variant<Maximum>();
  const size_t n = GENERATE(1, 3, 15, 16, 17, 31, 32, 40, 63, 64, 65, 200), count = GENERATE(1, 2, 9);
  const bool is_signed = GENERATE(false, true);
  const auto in = random_bytes(n * count, 3);
  std::vector<const uint8_t*> taps;
  for (size_t t = 0; t < count; ++t) taps.push_back(in.data() + t * n);
  Guarded<uint8_t> out(n), expected(n), known(n);
  variant.run({taps.data(), count, n, out.data(), is_signed});
  scalar_twin<Maximum>().run({taps.data(), count, n, expected.data(), is_signed});
  CHECK(out == expected);
  for (size_t i = 0; i < n; ++i) {
    int top = -1000;
    for (size_t t = 0; t < count; ++t) top = std::max(top, is_signed ? int(static_cast<int8_t>(taps[t][i])) : int(taps[t][i]));
    known.data()[i] = static_cast<uint8_t>(top);
  }
  CHECK(expected == known);
}

TEST_CASE("maximum: windows side by side are those of calls of their own") {
  const auto variant = any_variant<Maximum>();
  const size_t n = GENERATE(3, 24, 65), windows = 5, in_step = 2 * n, out_step = GENERATE_COPY(n, n + 3);
  const auto in = random_bytes(n * 2 * (windows + 3), 3);
  const uint8_t* taps[] = {in.data(), in.data() + n, in.data() + 3 * n};
  Guarded<uint8_t> out(windows * out_step), expected(windows * out_step);
  variant.run({taps, 3, n, out.data(), false, {windows, in_step, out_step}});
  for (size_t w = 0; w < windows; ++w) {
    const uint8_t* of_window[] = {taps[0] + w * in_step, taps[1] + w * in_step, taps[2] + w * in_step};
    variant.run({of_window, 3, n, expected.data() + w * out_step, false});
  }
  CHECK(out == expected);
}

}  // namespace
}  // namespace qtool::kernels
