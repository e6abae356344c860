// NonMaxSuppression: boxes by falling score, without those that overlap a better one.
#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

struct Box {
  double x0, y0, x1, y1;
  double area() const { return (x1 - x0) * (y1 - y0); }
};

Box box_of(const double* b, bool center) {
  if (center) return {b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2};
  return {std::min(b[1], b[3]), std::min(b[0], b[2]), std::max(b[1], b[3]), std::max(b[0], b[2])};
}

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0), height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (width <= 0 || height <= 0) return 0;
  return width * height / (a.area() + b.area() - width * height);
}

double scalar_or(TensorsIn in, size_t i, double fallback) {
  const Tensor& given = optional_input(in, i);
  return given.defined() && given.size() > 0 ? given.number_at(0) : fallback;
}

void non_max_suppression(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &boxes = input(in, 0), &scores = input(in, 1);
  require(boxes.rank() == 3 && boxes.shape()[2] == 4 && scores.rank() == 3 && scores.shape()[0] == boxes.shape()[0] &&
              scores.shape()[2] == boxes.shape()[1],
          "boxes and scores do not fit");
  const auto limit = static_cast<size_t>(std::max(0.0, scalar_or(in, 2, 0)));
  const double threshold = scalar_or(in, 3, 0), least = scalar_or(in, 4, -std::numeric_limits<double>::infinity());
  const bool center = node.attr_or("center_point_box", 0) != 0;
  const Reals coordinates = to_doubles(boxes), values = to_doubles(scores);
  const int64_t count = boxes.shape()[1], classes = scores.shape()[1];
  std::vector<int64_t> selected;
  for (int64_t row = 0; row < boxes.shape()[0] * classes; ++row) {
    const double* score = values.data() + row * count;
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return score[a] > score[b]; });
    std::vector<Box> kept;
    for (const int64_t i : order) {
      if (kept.size() >= limit) break;
      const Box box = box_of(coordinates.data() + (row / classes * count + i) * 4, center);
      const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Box& k) { return overlap(box, k) > threshold; });
      if (covered || !(score[i] > least)) continue;
      kept.push_back(box);
      selected.insert(selected.end(), {row / classes, row % classes, i});
    }
  }
  out[0] = Tensor::of<int64_t>({std::ssize(selected) / 3, 3}, selected);
}

TypeList infer_non_max_suppression(const Node& node, const InferInput&) {
  return outputs(node, {{DType::int64, std::vector<Dim>{Dim{}, known(3)}}});
}

}  // namespace

extern const OpDef kNonMaxSuppression10{
    .name = "NonMaxSuppression", .since = 10, .infer = infer_non_max_suppression, .eval = non_max_suppression};

}  // namespace qtool
