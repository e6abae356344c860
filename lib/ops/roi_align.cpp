// RoiAlign: regions of an image pooled from bilinear samples.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

struct Roi {
  int64_t batch;
  double x, y, width, height;
};

/// The four neighbours of (y, x) and their weights, clamped at the border; nothing outside of [-1, size].
struct Corners {
  std::array<int64_t, 4> offset{};
  std::array<double, 4> weight{};
};

Corners corners_of(double y, double x, int64_t height, int64_t width) {
  Corners c;
  if (y < -1 || y > static_cast<double>(height) || x < -1 || x > static_cast<double>(width)) return c;
  y = std::max(y, 0.0);
  x = std::max(x, 0.0);
  auto top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
  if (top >= height - 1) y = static_cast<double>(top = height - 1);
  if (left >= width - 1) x = static_cast<double>(left = width - 1);
  const int64_t bottom = std::min(top + 1, height - 1), right = std::min(left + 1, width - 1);
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  c.offset = {top * width + left, top * width + right, bottom * width + left, bottom * width + right};
  c.weight = {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx};
  return c;
}

struct Pooling {
  int64_t height, width, samples;
  bool maximum;
};

double pooled_bin(const double* plane, int64_t h, int64_t w, const Roi& roi, const Pooling& p, int64_t by, int64_t bx) {
  const double bin_h = roi.height / static_cast<double>(p.height), bin_w = roi.width / static_cast<double>(p.width);
  const int64_t ny = p.samples > 0 ? p.samples : static_cast<int64_t>(std::ceil(bin_h)),
                nx = p.samples > 0 ? p.samples : static_cast<int64_t>(std::ceil(bin_w));
  double total = 0, best = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < ny; ++i)
    for (int64_t j = 0; j < nx; ++j) {
      const double y = roi.y + (static_cast<double>(by) + (static_cast<double>(i) + 0.5) / static_cast<double>(ny)) * bin_h;
      const double x = roi.x + (static_cast<double>(bx) + (static_cast<double>(j) + 0.5) / static_cast<double>(nx)) * bin_w;
      const Corners c = corners_of(y, x, h, w);
      for (size_t k = 0; k < 4; ++k) {
        const double term = c.weight[k] * plane[c.offset[k]];
        total += term;
        best = std::max(best, term);
      }
    }
  return p.maximum ? best : total / static_cast<double>(std::max<int64_t>(ny * nx, 1));
}

/// Without half pixels a region is at least one wide and high.
Roi roi_of(const double* box, int64_t batch, double scale, bool half_pixel) {
  const double shift = half_pixel ? 0.5 : 0;
  Roi roi{batch, box[0] * scale - shift, box[1] * scale - shift, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale};
  if (!half_pixel) {
    roi.width = std::max(roi.width, 1.0);
    roi.height = std::max(roi.height, 1.0);
  }
  return roi;
}

Tensor roi_align(const Node& node, TensorsIn in, bool half_pixel) {
  const Tensor &x = input(in, 0), &rois = input(in, 1);
  require(x.rank() == 4 && rois.rank() == 2 && rois.shape()[1] == 4 && x.size() > 0, "RoiAlign needs [N, C, H, W] and [R, 4]");
  const std::vector<int64_t> batches = input(in, 2).to_ints();
  require(std::ssize(batches) == rois.shape()[0], "batch_indices must have one number a region");
  const Pooling p{node.attr_or("output_height", 1), node.attr_or("output_width", 1), node.attr_or("sampling_ratio", 0),
                  node.attr_or("mode", "avg") == std::string("max")};
  require(p.height > 0 && p.width > 0, "the output of RoiAlign is empty");
  const Reals values = to_doubles(x), boxes = to_doubles(rois);
  const int64_t channels = x.shape()[1], h = x.shape()[2], w = x.shape()[3];
  Reals y;
  for (size_t r = 0; r < batches.size(); ++r) {
    require(batches[r] >= 0 && batches[r] < x.shape()[0], "batch_indices names an image that is not there");
    const Roi roi = roi_of(boxes.data() + 4 * r, batches[r], node.attr_or("spatial_scale", 1.0f), half_pixel);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < p.height; ++i)
        for (int64_t j = 0; j < p.width; ++j)
          y.push_back(pooled_bin(values.data() + (roi.batch * channels + c) * h * w, h, w, roi, p, i, j));
  }
  return from_doubles(x.dtype(), {std::ssize(batches), channels, p.height, p.width}, y);
}

void roi_align_10(const Node& node, TensorsIn in, TensorsOut out) { out[0] = roi_align(node, in, false); }
void roi_align_16(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = roi_align(node, in, node.attr_or("coordinate_transformation_mode", "half_pixel") == std::string("half_pixel"));
}
void lift_roi_align(Graph&, Node& node) { node.set_attribute("coordinate_transformation_mode", std::string("output_half_pixel")); }

TypeList infer_roi_align(const Node& node, const InferInput& in) {
  std::vector<Dim> dims{Dim{}, Dim{}, known(node.attr_or("output_height", 1)), known(node.attr_or("output_width", 1))};
  if (const Dims& rois = dims_of(in, 1); rois && !rois->empty()) dims[0] = (*rois)[0];
  if (const Dims& x = dims_of(in, 0); x && x->size() == 4) dims[1] = (*x)[1];
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kRoiAlign10{.name = "RoiAlign", .since = 10, .infer = infer_roi_align, .eval = roi_align_10, .lift = lift_roi_align};
extern const OpDef kRoiAlign16{.name = "RoiAlign", .since = 16, .infer = infer_roi_align, .eval = roi_align_16};

}  // namespace qtool
