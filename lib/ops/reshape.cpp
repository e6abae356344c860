// Reshape, Flatten, Squeeze, Unsqueeze: same elements, other dimensions.
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

// ---- Reshape: 0 copies a dimension (unless allowzero), -1 takes what is left ----

Shape reshape_target(const Node& node, const Shape& from, const std::vector<int64_t>& wanted) {
  const bool copy_zero = node.attr_or("allowzero", 0) == 0;
  Shape to = wanted;
  std::ptrdiff_t rest = -1;
  for (size_t d = 0; d < to.size(); ++d) {
    if (to[d] == 0 && copy_zero) {
      require(d < from.size(), "a 0 in the target shape has no dimension to copy");
      to[d] = from[d];
    }
    if (to[d] == -1) {
      require(rest < 0, "the target shape holds -1 twice");
      rest = static_cast<std::ptrdiff_t>(d);
      to[d] = 1;
    }
  }
  if (rest < 0) return to;
  const int64_t others = element_count(to), total = element_count(from);
  if (others == 0 || total % others != 0) throw invalid_file("shape " + to_string(from) + " cannot be reshaped to " + to_string(wanted));
  to[static_cast<size_t>(rest)] = total / others;
  return to;
}

void reshape(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  out[0] = x.reshaped(reshape_target(node, x.shape(), input(in, 1).to_ints()));
}

/// Target dimensions where the input is not fully known: -1 stays unknown.
Dims partial_target(const Node& node, const Dims& from, const std::vector<int64_t>& wanted) {
  const bool copy_zero = node.attr_or("allowzero", 0) == 0;
  std::vector<Dim> to = unknown_dims(wanted.size());
  for (size_t d = 0; d < wanted.size(); ++d) {
    if (wanted[d] > 0 || (wanted[d] == 0 && !copy_zero)) to[d] = known(wanted[d]);
    if (wanted[d] == 0 && copy_zero && from && d < from->size()) to[d] = (*from)[d];
  }
  return to;
}

TypeList infer_reshape(const Node& node, const InferInput& in) {
  const auto wanted = ints_of(in, 1);
  const DType dtype = dtype_of(in, 0);
  if (!wanted) {
    const auto count = type_of(in, 1).shape();
    if (count && count->size() == 1 && (*count)[0] < 64) return outputs(node, {{dtype, unknown_dims(static_cast<size_t>((*count)[0]))}});
    return outputs(node, {{dtype, {}}});
  }
  if (const auto from = type_of(in, 0).shape()) return outputs(node, {ValueType::of(dtype, reshape_target(node, *from, *wanted))});
  return outputs(node, {{dtype, partial_target(node, dims_of(in, 0), *wanted)}});
}

// ---- Flatten: to two dimensions, split at axis ----

size_t flatten_axis(const Node& node, size_t rank) {
  const int64_t axis = node.attr_or("axis", 1), r = static_cast<int64_t>(rank);
  require(axis >= -r && axis <= r, "the axis is outside the input");
  return static_cast<size_t>(axis < 0 ? axis + r : axis);
}

void flatten(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const size_t axis = flatten_axis(node, x.rank());
  out[0] = x.reshaped({product(x.shape(), 0, axis), product(x.shape(), axis, x.rank())});
}

TypeList infer_flatten(const Node& node, const InferInput& in) {
  const Dims& x = dims_of(in, 0);
  if (!x) return outputs(node, {{dtype_of(in, 0), unknown_dims(2)}});
  const size_t axis = flatten_axis(node, x->size());
  return outputs(node, {{dtype_of(in, 0), std::vector<Dim>{product(*x, 0, axis), product(*x, axis, x->size())}}});
}

// ---- Squeeze, Unsqueeze: axes are an attribute up to opset 12, an input since 13 ----

using Axes = std::optional<std::vector<int64_t>>;

Axes axes_attribute(const Node& node) {
  if (!node.attribute("axes")) return std::nullopt;
  return node.attr_or("axes", std::vector<int64_t>{});
}

std::vector<bool> marked(const std::vector<int64_t>& axes, size_t rank) {
  std::vector<bool> marks(rank);
  for (const int64_t axis : axes) marks[static_cast<size_t>(normalize_axis(axis, rank))] = true;
  return marks;
}

Shape squeezed(const Shape& from, const Axes& axes) {
  Shape to;
  const std::vector<bool> drop = axes ? marked(*axes, from.size()) : std::vector<bool>();
  for (size_t d = 0; d < from.size(); ++d) {
    if (axes && drop[d] && from[d] != 1) throw invalid_file("dimension " + std::to_string(d) + " of " + to_string(from) + " is not 1");
    if (axes ? !drop[d] : from[d] != 1) to.push_back(from[d]);
  }
  return to;
}

template <class T>
std::vector<T> unsqueezed(const std::vector<T>& from, const std::vector<int64_t>& axes, T one) {
  require(axes.size() <= 1024, "too many axes");
  const std::vector<bool> added = marked(axes, from.size() + axes.size());
  require(std::count(added.begin(), added.end(), true) == std::ssize(axes), "an axis is repeated");
  std::vector<T> to;
  size_t next = 0;
  for (const bool is_new : added) to.push_back(is_new ? one : from[next++]);
  return to;
}

Axes axes_input(TensorsIn in) {
  const Tensor& axes = optional_input(in, 1);
  return axes.defined() ? Axes(axes.to_ints()) : std::nullopt;
}

void squeeze_1(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = input(in, 0).reshaped(squeezed(in[0].shape(), axes_attribute(node)));
}
void squeeze_13(const Node&, TensorsIn in, TensorsOut out) { out[0] = input(in, 0).reshaped(squeezed(in[0].shape(), axes_input(in))); }

void unsqueeze_1(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = input(in, 0).reshaped(unsqueezed<int64_t>(in[0].shape(), node.attr_or("axes", std::vector<int64_t>{}), 1));
}
void unsqueeze_13(const Node&, TensorsIn in, TensorsOut out) {
  input(in, 1);
  out[0] = input(in, 0).reshaped(unsqueezed<int64_t>(in[0].shape(), *axes_input(in), 1));
}

Dims squeezed_dims(const Dims& from, const Axes& axes) {
  if (!from) return std::nullopt;
  std::vector<Dim> to;
  const std::vector<bool> drop = axes ? marked(*axes, from->size()) : std::vector<bool>();
  for (size_t d = 0; d < from->size(); ++d) {
    const Dim& dim = (*from)[d];
    if (!axes && !dim.known()) return std::nullopt;
    if (axes ? !drop[d] : dim.value != 1) to.push_back(dim);
  }
  return to;
}

TypeList infer_squeeze_1(const Node& node, const InferInput& in) {
  return outputs(node, {{dtype_of(in, 0), squeezed_dims(dims_of(in, 0), axes_attribute(node))}});
}

TypeList infer_squeeze_13(const Node& node, const InferInput& in) {
  const auto axes = ints_of(in, 1);
  if (present(node, 1) && !axes) return infer_dtype(node, in);
  return outputs(node, {{dtype_of(in, 0), squeezed_dims(dims_of(in, 0), axes)}});
}

TypeList infer_unsqueeze(const Node& node, const InferInput& in, const Axes& axes) {
  if (!axes || !dims_of(in, 0)) return infer_dtype(node, in);
  return outputs(node, {{dtype_of(in, 0), unsqueezed<Dim>(*dims_of(in, 0), *axes, known(1))}});
}
TypeList infer_unsqueeze_1(const Node& node, const InferInput& in) { return infer_unsqueeze(node, in, axes_attribute(node)); }
TypeList infer_unsqueeze_13(const Node& node, const InferInput& in) { return infer_unsqueeze(node, in, ints_of(in, 1)); }

void lift_axes(Graph& graph, Node& node) { ints_to_input(graph, node, "axes", 1); }

}  // namespace

extern const OpDef kReshape5{.name = "Reshape", .since = 5, .infer = infer_reshape, .eval = reshape, .quant = pass_through()};
extern const OpDef kFlatten1{.name = "Flatten", .infer = infer_flatten, .eval = flatten, .quant = pass_through()};
extern const OpDef kSqueeze1{.name = "Squeeze", .infer = infer_squeeze_1, .eval = squeeze_1, .quant = pass_through(), .lift = lift_axes};
extern const OpDef kSqueeze13{.name = "Squeeze", .since = 13, .infer = infer_squeeze_13, .eval = squeeze_13, .quant = pass_through()};
extern const OpDef kUnsqueeze1{
    .name = "Unsqueeze", .infer = infer_unsqueeze_1, .eval = unsqueeze_1, .quant = pass_through(), .lift = lift_axes};
extern const OpDef kUnsqueeze13{
    .name = "Unsqueeze", .since = 13, .infer = infer_unsqueeze_13, .eval = unsqueeze_13, .quant = pass_through()};

}  // namespace qtool
