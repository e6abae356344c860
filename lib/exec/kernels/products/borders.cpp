#include "exec/kernels/products/borders.h"

#include <algorithm>
#include <map>

namespace qtool::lowerings {
namespace {

/// Nothing of the kernel: one tap of no depth, since no taps would mean all.
constexpr kernels::GemmPart kNothing{0, 1, 0, 0};

/// Output positions along one dimension, by the range [first, last) of the kernel that lies within the image.
using Positions = std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>>;

Positions positions_along(const Geometry& g, size_t d) {
  Positions positions;
  for (int64_t o = 0; o < g.out[d]; ++o) {
    const int64_t begin = o * g.stride[d] - g.begin[d];
    const auto inside = [&](int64_t k) { return begin + k * g.dilation[d] >= 0 && begin + k * g.dilation[d] < g.in[d]; };
    int64_t first = 0, last = g.kernel[d];
    while (first < last && !inside(first)) ++first;
    while (last > first && !inside(last - 1)) --last;
    positions[{first, last}].push_back(o);
  }
  return positions;
}

}  // namespace

std::vector<PixelClass> pixel_classes(const Geometry& g, int64_t out_channels) {
  std::vector<PixelClass> classes;
  for (const auto& [rows, ys] : positions_along(g, 1))
    for (const auto& [columns, xs] : positions_along(g, 2)) {
      PixelClass made;
      made.part = {static_cast<size_t>(rows.first), static_cast<size_t>(rows.second - rows.first),
                   static_cast<size_t>(columns.first * g.channels), static_cast<size_t>((columns.second - columns.first) * g.channels)};
      for (int64_t tap = rows.first; tap < rows.second; ++tap)
        for (const int64_t y : ys)
          for (const int64_t x : xs)
            made.offsets.push_back(
                ((y * g.stride[1] - g.begin[1] + tap * g.dilation[1]) * g.in[2] + x * g.stride[2] - g.begin[2] + columns.first) *
                g.channels);
      for (const int64_t y : ys)
        for (const int64_t x : xs) made.places.push_back((y * g.out[2] + x) * out_channels);
      if (rows.first == rows.second || columns.first == columns.second) made.part = kNothing, made.offsets.assign(made.places.size(), 0);
      classes.push_back(std::move(made));
    }
  return classes;
}

}  // namespace qtool::lowerings
