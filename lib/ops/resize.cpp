// Resize and Upsample: every output element is a weighted sum of input elements, dimension by dimension. One table of
// (positions, weights) is made for every dimension; the sum runs over their products.
#include <algorithm>
#include <cmath>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Ints = std::vector<int64_t>;
using Reals = std::vector<double>;

enum class Filter { nearest, linear, cubic };

struct Settings {
  Filter filter = Filter::nearest;
  std::string coordinates = "half_pixel", nearest = "round_prefer_floor";
  double cubic_a = -0.75;
  bool exclude_outside = false, antialias = false;
  double extrapolation = 0;
};

/// One dimension: how long, how far apart, which part of the input (tf_crop_and_resize).
struct Axis {
  int64_t in, out;
  double scale;
  double roi_start = 0, roi_end = 1;
};

/// Position of output o in the input's coordinates.
double source(const Axis& a, int64_t o, const std::string& mode) {
  const double x = static_cast<double>(o), in = static_cast<double>(a.in), out = static_cast<double>(a.out);
  if (mode == "half_pixel") return (x + 0.5) / a.scale - 0.5;
  if (mode == "half_pixel_symmetric") {
    const double wanted = a.scale * in, adjustment = out / wanted;
    return in / 2 * (1 - adjustment) + (x + 0.5) / a.scale - 0.5;
  }
  if (mode == "pytorch_half_pixel") return a.out > 1 ? (x + 0.5) / a.scale - 0.5 : 0;
  if (mode == "align_corners") return a.out > 1 ? x * (in - 1) / (out - 1) : 0;
  if (mode == "asymmetric") return x / a.scale;
  if (mode == "tf_half_pixel_for_nn") return (x + 0.5) / a.scale;
  if (mode == "tf_crop_and_resize") {
    if (a.out > 1) return a.roi_start * (in - 1) + x * (a.roi_end - a.roi_start) * (in - 1) / (out - 1);
    return 0.5 * (a.roi_start + a.roi_end) * (in - 1);
  }
  throw invalid_file("coordinate_transformation_mode \"" + mode + "\" is unknown");
}

int64_t nearest(double x, const std::string& mode) {
  if (mode == "round_prefer_floor") return static_cast<int64_t>(std::ceil(x - 0.5));
  if (mode == "round_prefer_ceil") return static_cast<int64_t>(std::floor(x + 0.5));
  if (mode == "floor") return static_cast<int64_t>(std::floor(x));
  if (mode == "ceil") return static_cast<int64_t>(std::ceil(x));
  throw invalid_file("nearest_mode \"" + mode + "\" is unknown");
}

double triangle(double d) { return std::max(0.0, 1 - std::fabs(d)); }

/// Keys' cubic convolution.
double keys(double d, double a) {
  d = std::fabs(d);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

/// The input elements one output position is made of. `outside`: beyond the input, extrapolated.
struct Taps {
  Ints positions;
  Reals weights;
  bool outside = false;
};

/// All taps within the filter's support; beyond the edge the edge repeats, or (exclude_outside) does not count.
Taps filtered(double x, const Axis& a, const Settings& s) {
  const double radius = s.filter == Filter::linear ? 1 : 2, shrink = s.antialias ? std::min(1.0, a.scale) : 1;
  Taps taps;
  const auto first = static_cast<int64_t>(std::floor(x - radius / shrink)) + 1,
             last = static_cast<int64_t>(std::ceil(x + radius / shrink)) - 1;
  double total = 0;
  for (int64_t i = first; i <= last; ++i) {
    const double distance = (static_cast<double>(i) - x) * shrink;
    double weight = s.filter == Filter::linear ? triangle(distance) : keys(distance, s.cubic_a);
    if (s.exclude_outside && (i < 0 || i >= a.in)) weight = 0;
    taps.positions.push_back(std::clamp<int64_t>(i, 0, a.in - 1));
    taps.weights.push_back(weight);
    total += weight;
  }
  if (s.exclude_outside || s.antialias)
    for (double& weight : taps.weights) weight /= total;
  return taps;
}

/// A dimension that is not resized at all.
bool is_kept(const Axis& a, const Settings& s) { return a.in == a.out && a.scale == 1 && s.coordinates != "tf_crop_and_resize"; }

Taps taps_of(int64_t o, const Axis& a, const Settings& s) {
  const double x = source(a, o, s.coordinates);
  Taps taps = s.filter == Filter::nearest ? Taps{{std::clamp<int64_t>(nearest(x, s.nearest), 0, a.in - 1)}, {1}, false} : filtered(x, a, s);
  taps.outside = s.coordinates == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(a.in - 1));
  return taps;
}

/// One dimension resized: x is [outer, in, inner].
Reals resized_axis(const Reals& x, int64_t outer, int64_t inner, const Axis& a, const Settings& s, std::vector<bool>& outside) {
  Reals y(static_cast<size_t>(outer * a.out * inner), 0.0);
  outside.assign(static_cast<size_t>(a.out), false);
  for (int64_t o = 0; o < a.out; ++o) {
    const Taps taps = taps_of(o, a, s);
    outside[static_cast<size_t>(o)] = taps.outside;
    for (int64_t n = 0; n < outer; ++n)
      for (size_t t = 0; t < taps.positions.size(); ++t) {
        const double* from = x.data() + (n * a.in + taps.positions[t]) * inner;
        double* to = y.data() + (n * a.out + o) * inner;
        for (int64_t i = 0; i < inner; ++i) to[i] += taps.weights[t] * from[i];
      }
  }
  return y;
}

Shape output_of(const std::vector<Axis>& axes) {
  Shape shape;
  for (const Axis& a : axes) shape.push_back(a.out);
  return shape;
}

Tensor resized(const Tensor& x, const std::vector<Axis>& axes, const Settings& s) {
  Reals values = to_doubles(x);
  const Shape out = output_of(axes);
  require(x.size() > 0 || element_count(out) == 0, "Resize of an empty tensor");
  std::vector<std::vector<bool>> outside(axes.size());
  Shape shape = x.shape();
  for (size_t d = 0; d < axes.size(); ++d) {
    if (is_kept(axes[d], s)) continue;
    values = resized_axis(values, product(shape, 0, d), product(shape, d + 1, shape.size()), axes[d], s, outside[d]);
    shape[d] = axes[d].out;
  }
  if (s.coordinates == "tf_crop_and_resize") {
    size_t i = 0;
    for_each_index(out, [&](const Shape& index) {
      for (size_t d = 0; d < index.size(); ++d)
        if (outside[d][static_cast<size_t>(index[d])]) values[i] = s.extrapolation;
      ++i;
    });
  }
  if (is_integer(x.dtype()))
    for (double& value : values) value = std::nearbyint(value);
  return from_doubles(x.dtype(), out, values);
}

Filter filter_of(const Node& node) {
  const std::string mode = node.attr_or("mode", "nearest");
  if (mode == "nearest") return Filter::nearest;
  if (mode == "linear") return Filter::linear;
  if (mode == "cubic") return Filter::cubic;
  throw invalid_file("mode \"" + mode + "\" is unknown");
}

int64_t scaled(int64_t size, double scale) {
  require(scale > 0 && static_cast<double>(size) * scale < 0x1p40, "a scale of Resize is not positive or too large");
  return static_cast<int64_t>(std::floor(static_cast<double>(size) * scale));
}

std::vector<Axis> axes_by_scales(const Shape& shape, const std::vector<float>& scales) {
  require(scales.size() == shape.size(), "scales must have one number a dimension");
  std::vector<Axis> axes;
  for (size_t d = 0; d < shape.size(); ++d) axes.push_back({shape[d], scaled(shape[d], scales[d]), scales[d]});
  return axes;
}

// ---- Upsample (7: attribute scales, 9: input) and Resize 10: asymmetric, floor ----

Settings settings_10(const Node& node) { return {.filter = filter_of(node), .coordinates = "asymmetric", .nearest = "floor"}; }

void upsample_7(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  out[0] = resized(x, axes_by_scales(x.shape(), node.attr_or("scales", std::vector<float>{})), settings_10(node));
}

void resize_10(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  out[0] = resized(x, axes_by_scales(x.shape(), input(in, 1).to_floats()), settings_10(node));
}

// ---- Resize 11 and later: inputs roi, scales, sizes ----

Settings settings_11(const Node& node) {
  Settings s{.filter = filter_of(node)};
  s.coordinates = node.attr_or("coordinate_transformation_mode", "half_pixel");
  s.nearest = node.attr_or("nearest_mode", "round_prefer_floor");
  s.cubic_a = node.attr_or("cubic_coeff_a", -0.75f);
  s.exclude_outside = node.attr_or("exclude_outside", 0) != 0;
  s.antialias = node.attr_or("antialias", 0) != 0;
  s.extrapolation = node.attr_or("extrapolation_value", 0.0f);
  return s;
}

Ints resized_axes(const Node& node, size_t rank) {
  Ints axes = node.attr_or("axes", Ints{});
  if (!node.attribute("axes"))
    for (size_t d = 0; d < rank; ++d) axes.push_back(static_cast<int64_t>(d));
  for (int64_t& axis : axes) axis = normalize_axis(axis, rank);
  return axes;
}

void apply_sizes(std::vector<Axis>& axes, const Ints& which, const Ints& sizes, const std::string& policy) {
  require(sizes.size() == which.size(), "sizes must have one number a resized dimension");
  double common = policy == "not_smaller" ? 0 : 0x1p60;
  for (size_t i = 0; i < which.size(); ++i) {
    Axis& a = axes[static_cast<size_t>(which[i])];
    require(sizes[i] >= 0, "a size of Resize is negative");
    a.out = sizes[i];
    a.scale = static_cast<double>(a.out) / static_cast<double>(a.in);
    common = policy == "not_smaller" ? std::max(common, a.scale) : std::min(common, a.scale);
  }
  if (policy == "stretch") return;
  for (const int64_t axis : which) {
    Axis& a = axes[static_cast<size_t>(axis)];
    a.scale = common;
    a.out = static_cast<int64_t>(std::floor(common * static_cast<double>(a.in) + 0.5));
  }
}

std::vector<Axis> axes_11(const Node& node, const Shape& shape, const Tensor& roi, const Tensor& scales, const Tensor& sizes) {
  const Ints which = resized_axes(node, shape.size());
  std::vector<Axis> axes;
  for (const int64_t size : shape) axes.push_back({size, size, 1});
  if (sizes.defined() && sizes.size() > 0) {
    apply_sizes(axes, which, sizes.to_ints(), node.attr_or("keep_aspect_ratio_policy", "stretch"));
  } else {
    require(scales.defined() && scales.size() == std::ssize(which), "Resize needs scales or sizes, one number a dimension");
    for (size_t i = 0; i < which.size(); ++i) {
      Axis& a = axes[static_cast<size_t>(which[i])];
      a.scale = scales.number_at(static_cast<int64_t>(i));
      a.out = scaled(a.in, a.scale);
    }
  }
  if (roi.defined() && roi.size() == 2 * std::ssize(which))
    for (size_t i = 0; i < which.size(); ++i) {
      axes[static_cast<size_t>(which[i])].roi_start = roi.number_at(static_cast<int64_t>(i));
      axes[static_cast<size_t>(which[i])].roi_end = roi.number_at(static_cast<int64_t>(which.size() + i));
    }
  return axes;
}

void resize_11(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto axes = axes_11(node, x.shape(), optional_input(in, 1), optional_input(in, 2), optional_input(in, 3));
  out[0] = resized(x, axes, settings_11(node));
}

// ---- types ----

TypeList infer_scales(const Node& node, const InferInput& in, const std::optional<std::vector<float>>& scales) {
  Dims dims = dims_of(in, 0);
  for (size_t d = 0; dims && d < dims->size(); ++d) {
    Dim& dim = (*dims)[d];
    const bool usable = scales && d < scales->size();
    if (usable && (*scales)[d] == 1) continue;
    dim = usable && dim.known() ? known(scaled(dim.value, (*scales)[d])) : Dim{};
  }
  return outputs(node, {{dtype_of(in, 0), dims}});
}

TypeList infer_7(const Node& node, const InferInput& in) { return infer_scales(node, in, node.attr_or("scales", std::vector<float>{})); }
TypeList infer_10(const Node& node, const InferInput& in) {
  const Tensor* scales = constant_of(in, 1);
  return infer_scales(node, in, scales ? std::optional(scales->to_floats()) : std::nullopt);
}

TypeList infer_11(const Node& node, const InferInput& in) {
  const Dims& x = dims_of(in, 0);
  if (!x) return infer_dtype(node, in);
  const Tensor *scales = constant_of(in, 2), *sizes = constant_of(in, 3);
  const bool by_sizes = present(node, 3);
  if (const auto shape = type_of(in, 0).shape(); shape && (by_sizes ? sizes : scales))
    return outputs(node, {ValueType::of(dtype_of(in, 0),
                                        output_of(axes_11(node, *shape, {}, scales ? *scales : Tensor(), sizes ? *sizes : Tensor())))});
  if (!by_sizes && scales && !node.attribute("axes")) return infer_scales(node, in, scales->to_floats());
  std::vector<Dim> dims = *x;
  for (const int64_t axis : resized_axes(node, dims.size())) dims[static_cast<size_t>(axis)] = {};
  if (by_sizes && sizes && !node.attribute("axes") && !node.attribute("keep_aspect_ratio_policy") && sizes->size() == std::ssize(dims))
    dims = known_dims(sizes->to_ints());
  return outputs(node, {{dtype_of(in, 0), dims}});
}

// ---- lifting ----

void lift_7(Graph& graph, Node& node) {
  const auto scales = node.attr_or("scales", std::vector<float>{});
  node.remove_attribute("scales");
  graph.set_input(node, 1, add_constant(graph, node, "scales", Tensor::of<float>({std::ssize(scales)}, scales)));
}

/// Upsample 9 is Resize 10.
void lift_9(Graph&, Node& node) { node.op = "Resize"; }

/// The asymmetric, flooring meaning of 10 in the words of 11; an empty roi in front of the scales.
void lift_10(Graph& graph, Node& node) {
  Value* scales = node.in(1);
  graph.set_input(node, 1, add_constant(graph, node, "roi", Tensor(DType::float32, {0})));
  graph.set_input(node, 2, scales);
  node.set_attribute("coordinate_transformation_mode", std::string("asymmetric"));
  if (filter_of(node) == Filter::nearest) node.set_attribute("nearest_mode", std::string("floor"));
}

}  // namespace

extern const OpDef kUpsample7{
    .name = "Upsample", .since = 7, .infer = infer_7, .eval = upsample_7, .quant = pass_through(), .lift = lift_7};
extern const OpDef kUpsample9{
    .name = "Upsample", .since = 9, .infer = infer_10, .eval = resize_10, .quant = pass_through(), .lift = lift_9};
/// ONNX dropped Upsample with opset 10; the row is there for version 9 to be lifted into.
extern const OpDef kUpsample10{.name = "Upsample", .since = 10, .infer = infer_10, .eval = resize_10, .quant = pass_through()};
extern const OpDef kResize10{.name = "Resize", .since = 10, .infer = infer_10, .eval = resize_10, .quant = pass_through(), .lift = lift_10};
extern const OpDef kResize11{.name = "Resize", .since = 11, .infer = infer_11, .eval = resize_11, .quant = pass_through()};

}  // namespace qtool
