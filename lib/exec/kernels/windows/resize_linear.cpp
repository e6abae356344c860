// Resize of spatial dimensions by linear interpolation, floats. Where an output coordinate lies between two input pixels is asked of
// the operator's own eval, on ramps (a linear function is interpolated to itself); so all coordinate modes are those of the reference.

#include <cmath>
#include <mutex>

#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "ops/op_def.h"

namespace qtool::lowerings {
namespace {

constexpr size_t kMaxMaps = 8;

/// One output coordinate: between `first` and `second`, with the weight of the second.
struct Between {
  int64_t first, second;
  float weight;
};

struct LinearMap {
  Shape in, out;                            ///< whole shape; shape of one plane
  std::vector<std::vector<Between>> along;  ///< of each spatial axis
};

class LinearResize {
 public:
  LinearResize(const Node& node, const OpDef& op) : node_(node), op_(op) {}

  std::shared_ptr<const LinearMap> map_for(const Shape& shape) {
    std::lock_guard lock(mutex_);
    for (const auto& map : maps_)
      if (map->in == shape) return map;
    if (maps_.size() == kMaxMaps) maps_.erase(maps_.begin());
    maps_.push_back(std::make_shared<LinearMap>(make(shape)));
    return maps_.back();
  }

 private:
  LinearMap make(const Shape& shape) const {
    LinearMap map{shape, {}, {}};
    for (size_t axis = 2; axis < shape.size(); ++axis) {
      const Tensor interpolated = eval_ramp(shape, axis);
      map.out = interpolated.shape();
      if (map.out[0] != 1 || map.out[1] != 1) throw CannotRun("batch or channels are resized");
      map.along.push_back(coordinates(interpolated, axis, shape[axis]));
    }
    return map;
  }

  /// The operator on one plane whose pixels hold their coordinate along `axis`.
  Tensor eval_ramp(const Shape& shape, size_t axis) const {
    Shape plane = shape;
    plane[0] = plane[1] = 1;
    Tensor ramp(DType::float64, plane);
    const int64_t inner = product(shape, axis + 1, shape.size());
    double* values = ramp.mutable_data<double>().data();
    for (int64_t i = 0; i < ramp.size(); ++i) values[i] = static_cast<double>(i / inner % shape[axis]);
    std::vector<Tensor> in{ramp}, out(1);
    for (size_t i = 1; i < node_.input_count(); ++i) in.push_back(node_.in(i) ? adapted(*node_.in(i)->constant(), i, shape) : Tensor());
    op_.eval(node_, in, out);
    return out[0];
  }

  /// Sizes (input 3) name the whole shape; here batch and channels are 1.
  static Tensor adapted(const Tensor& input, size_t i, const Shape& shape) {
    if (i != 3 || input.size() != static_cast<int64_t>(shape.size())) return input;
    std::vector<int64_t> sizes = input.to_ints();
    if (sizes[0] != shape[0] || sizes[1] != shape[1]) throw CannotRun("batch or channels are resized");
    sizes[0] = sizes[1] = 1;
    return Tensor::of<int64_t>({input.size()}, sizes);
  }

  static std::vector<Between> coordinates(const Tensor& interpolated, size_t axis, int64_t extent) {
    std::vector<Between> along;
    const int64_t inner = product(interpolated.shape(), axis + 1, interpolated.rank());
    for (int64_t i = 0; i < interpolated.shape()[axis]; ++i) {
      const double at = std::clamp(interpolated.number_at(i * inner), 0.0, static_cast<double>(extent - 1));
      const auto first = static_cast<int64_t>(at);
      along.push_back({first, std::min(first + 1, extent - 1), static_cast<float>(at - static_cast<double>(first))});
    }
    return along;
  }

  const Node& node_;
  const OpDef& op_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const LinearMap>> maps_;
};

void mix(const float* a, const float* b, float weight, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] * (1 - weight) + b[i] * weight;
}

/// One axis after the other, the last first: [outer, extent, inner] -> [outer, along, inner].
Tensor interpolate(const Tensor& from, size_t axis, const std::vector<Between>& along, int64_t channels, BufferPool& pool) {
  Shape shape = from.shape();
  shape[axis] = static_cast<int64_t>(along.size());
  Tensor to = pool.tensor(DType::float32, shape);
  const int64_t inner = product(shape, axis + 1, shape.size()) * channels;
  const int64_t outer = shape[0] * product(shape, 2, axis);
  const float* in = from.floats().data();
  float* out = to.mutable_data<float>().data();
  for (int64_t o = 0; o < outer; ++o, in += from.shape()[axis] * inner)
    for (const Between& at : along) {
      mix(in + at.first * inner, in + at.second * inner, at.weight, out, inner);
      out += inner;
    }
  return to;
}

}  // namespace

LowerResult lower_resize_linear(const Model& model, const Cluster& cluster) {
  const Node& node = *cluster.root;
  const OpDef* op = find_op(model, node);
  if (!op || !op->eval || node.attr_or("mode", "nearest") != "linear" || node.attr_or("antialias", 0) != 0) return Declined{"not linear"};
  if (node.attr_or("coordinate_transformation_mode", "") == "tf_crop_and_resize") return Declined{"parts from outside the image"};
  if (cluster.inputs[0].constant() || cluster.inputs[0].value->type.dtype != DType::float32) return Declined{"not in float"};
  for (size_t i = 1; i < node.input_count(); ++i)
    if (node.in(i) && !node.in(i)->constant()) return Declined{"scales or sizes are no constants"};
  auto resize = std::make_shared<LinearResize>(node, *op);
  return make_lowered(LayoutRule::channels_last, "resize_linear", [resize](StepInputs in, std::span<Array> out, StepContext& context) {
    const Tensor& from = in[0]->tensor;
    if (from.rank() < 3 || from.size() == 0) throw CannotRun("not an image");
    const auto map = resize->map_for(from.shape());
    Tensor image = from;
    for (size_t axis = from.rank(); axis-- > 2;)
      if (map->out[axis] != from.shape()[axis]) image = interpolate(image, axis, map->along[axis - 2], from.shape()[1], context.pool);
    out[0] = {std::move(image), Layout::channels_last};
  });
}

}  // namespace qtool::lowerings
