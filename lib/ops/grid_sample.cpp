// GridSample: x read at positions in [-1, 1], the last coordinate first. AffineGrid: such positions from affine matrices.
#include <algorithm>
#include <cmath>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

struct Grid {
  std::string mode, padding;
  bool corners;
  Shape spatial, strides;
};

double denormalized(double position, int64_t size, bool corners) {
  const auto n = static_cast<double>(size);
  return corners ? (position + 1) / 2 * (n - 1) : ((position + 1) * n - 1) / 2;
}

/// Folded back into [lo, hi] as by mirrors at both ends.
double reflected(double x, double lo, double hi) {
  const double range = hi - lo;
  if (range <= 0) return lo;
  const double distance = std::fabs(x - lo), turns = std::floor(distance / range), rest = distance - turns * range;
  return static_cast<int64_t>(turns) % 2 == 0 ? lo + rest : hi - rest;
}

/// Pixel i of a dimension under the padding mode; -1: counts as zero.
int64_t pixel(double i, int64_t size, const Grid& g) {
  const double last = static_cast<double>(size - 1);
  if (g.padding == "border") i = std::clamp(i, 0.0, last);
  if (g.padding == "reflection") i = std::clamp(g.corners ? reflected(i, 0, last) : reflected(i, -0.5, last + 0.5), 0.0, last);
  return i >= 0 && i <= last ? static_cast<int64_t>(i) : -1;
}

double keys(double d) {
  constexpr double a = -0.75;
  d = std::fabs(d);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

struct Tap {
  int64_t pixel;
  double weight;
};

std::vector<Tap> taps_of(double x, int64_t size, const Grid& g) {
  if (g.mode == "nearest") return {{pixel(std::nearbyint(x), size, g), 1}};
  const double base = std::floor(x);
  if (g.mode == "linear" || g.mode == "bilinear") return {{pixel(base, size, g), 1 - (x - base)}, {pixel(base + 1, size, g), x - base}};
  if (g.mode != "cubic" && g.mode != "bicubic") throw invalid_file("mode \"" + g.mode + "\" is unknown");
  std::vector<Tap> taps;
  for (double i = base - 1; i <= base + 2; ++i) taps.push_back({pixel(i, size, g), keys(x - i)});
  return taps;
}

/// Where linear and nearest read beyond the edge, the position itself is moved first.
double placed(double x, int64_t size, const Grid& g) {
  const double last = static_cast<double>(size - 1);
  if (g.mode == "cubic" || g.mode == "bicubic" || g.padding == "zeros") return x;
  if (g.padding == "border") return std::clamp(x, 0.0, last);
  return std::clamp(g.corners ? reflected(x, 0, last) : reflected(x, -0.5, last + 0.5), 0.0, last);
}

double sampled(const double* plane, const double* position, const Grid& g) {
  const size_t rank = g.spatial.size();
  std::vector<std::vector<Tap>> taps;
  Shape counts;
  for (size_t d = 0; d < rank; ++d) {
    const double x = denormalized(position[rank - 1 - d], g.spatial[d], g.corners);
    taps.push_back(taps_of(placed(x, g.spatial[d], g), g.spatial[d], g));
    counts.push_back(std::ssize(taps[d]));
  }
  double total = 0;
  for_each_index(counts, [&](const Shape& index) {
    double weight = 1;
    int64_t offset = 0;
    for (size_t d = 0; d < rank; ++d) {
      const Tap& tap = taps[d][static_cast<size_t>(index[d])];
      if (tap.pixel < 0) weight = 0;
      weight *= tap.weight;
      offset += std::max<int64_t>(tap.pixel, 0) * g.strides[d];
    }
    if (weight != 0) total += weight * plane[offset];
  });
  return total;
}

void grid_sample(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &grid = input(in, 1);
  require(x.rank() >= 3 && grid.rank() == x.rank() && grid.shape().back() == std::ssize(x.shape()) - 2 && grid.shape()[0] == x.shape()[0],
          "the grid does not fit the input");
  Grid g{node.attr_or("mode", "linear"),
         node.attr_or("padding_mode", "zeros"),
         node.attr_or("align_corners", 0) != 0,
         Shape(x.shape().begin() + 2, x.shape().end()),
         {}};
  g.strides = strides_of(g.spatial);
  const Reals values = to_doubles(x), positions = to_doubles(grid);
  const int64_t plane = element_count(g.spatial), rank = std::ssize(g.spatial), points = product(grid.shape(), 1, grid.rank() - 1),
                channels = x.shape()[1];
  require(plane > 0, "GridSample of an empty image");
  Shape shape{x.shape()[0], channels};
  shape.insert(shape.end(), grid.shape().begin() + 1, grid.shape().end() - 1);
  Reals y;
  for (int64_t row = 0; row < x.shape()[0] * channels; ++row)
    for (int64_t p = 0; p < points; ++p)
      y.push_back(sampled(values.data() + row * plane, positions.data() + (row / channels * points + p) * rank, g));
  out[0] = from_doubles(x.dtype(), shape, y);
}

TypeList infer_grid_sample(const Node& node, const InferInput& in) {
  const Dims &x = dims_of(in, 0), &grid = dims_of(in, 1);
  if (!x || !grid || x->size() < 3 || grid->size() != x->size()) return infer_dtype(node, in);
  std::vector<Dim> dims{(*x)[0], (*x)[1]};
  dims.insert(dims.end(), grid->begin() + 1, grid->end() - 1);
  return outputs(node, {{dtype_of(in, 0), dims}});
}

/// bilinear and bicubic became linear and cubic with opset 20.
void lift_grid_sample(Graph&, Node& node) {
  const std::string mode = node.attr_or("mode", "bilinear");
  node.set_attribute("mode", mode == "bilinear" ? std::string("linear") : mode == "bicubic" ? std::string("cubic") : mode);
}

void affine_grid(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& theta = input(in, 0);
  const std::vector<int64_t> size = input(in, 1).to_ints();
  const int64_t rank = std::ssize(size) - 2;
  require((rank == 2 || rank == 3) && theta.shape() == Shape({size[0], rank, rank + 1}), "theta and size do not fit");
  const bool corners = node.attr_or("align_corners", 0) != 0;
  const Shape spatial(size.begin() + 2, size.end());
  const Reals matrix = to_doubles(theta);
  Reals y;
  for (int64_t n = 0; n < size[0]; ++n)
    for_each_index(spatial, [&](const Shape& index) {
      Reals position;  // x, y(, z): the last dimension first
      for (size_t d = spatial.size(); d-- > 0;) {
        const auto i = static_cast<double>(index[d]), count = static_cast<double>(spatial[d]);
        position.push_back(corners ? (count > 1 ? -1 + 2 * i / (count - 1) : -1) : -1 + (2 * i + 1) / count);
      }
      position.push_back(1);
      for (int64_t r = 0; r < rank; ++r) {
        double total = 0;
        for (int64_t c = 0; c <= rank; ++c)
          total += matrix[static_cast<size_t>((n * rank + r) * (rank + 1) + c)] * position[static_cast<size_t>(c)];
        y.push_back(total);
      }
    });
  Shape shape{size[0]};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  shape.push_back(rank);
  out[0] = from_doubles(theta.dtype(), shape, y);
}

}  // namespace

extern const OpDef kGridSample16{
    .name = "GridSample", .since = 16, .infer = infer_grid_sample, .eval = grid_sample, .lift = lift_grid_sample};
extern const OpDef kGridSample20{.name = "GridSample", .since = 20, .infer = infer_grid_sample, .eval = grid_sample};
extern const OpDef kAffineGrid20{.name = "AffineGrid", .since = 20, .infer = infer_dtype, .eval = affine_grid};

}  // namespace qtool
