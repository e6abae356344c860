// Concat: inputs one behind the other along an axis. Split: the reverse.
#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

int64_t axis_attribute(const Node& node) {
  require(node.attribute("axis"), "Concat without axis");
  return node.attr_or("axis", 0);
}

Shape concat_shape(TensorsIn in, size_t axis) {
  Shape shape = input(in, 0).shape();
  for (size_t i = 1; i < in.size(); ++i) {
    const Shape& other = input(in, i).shape();
    bool fits = other.size() == shape.size() && in[i].dtype() == in[0].dtype();
    for (size_t d = 0; fits && d < shape.size(); ++d) fits = d == axis || other[d] == shape[d];
    if (!fits)
      throw invalid_file("input " + std::to_string(i) + " of shape " + to_string(other) + " does not fit " + to_string(in[0].shape()));
    shape[axis] += other[axis];
  }
  return shape;
}

void concat(const Node& node, TensorsIn in, TensorsOut out) {
  const auto axis = static_cast<size_t>(normalize_axis(axis_attribute(node), input(in, 0).rank()));
  Tensor whole(in[0].dtype(), concat_shape(in, axis));
  const Shape strides = strides_of(whole.shape());
  int64_t at = 0;
  for (const Tensor& part : in) {
    write_box(part, whole, {part.shape(), strides, at * strides[axis]});
    at += part.shape()[axis];
  }
  out[0] = std::move(whole);
}

Dim same_dim(const Dim& a, const Dim& b) {
  if (a.known() && b.known() && a.value != b.value) throw invalid_file("inputs differ in a dimension other than the axis");
  return a.known() ? a : b.known() ? b : a == b ? a : Dim{};
}

TypeList infer_concat(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  const int64_t axis_stated = axis_attribute(node);
  for (size_t i = 1; dims && i < in.types.size(); ++i) {
    const Dims& other = dims_of(in, i);
    if (!other) {
      dims.reset();
      break;
    }
    const auto axis = static_cast<size_t>(normalize_axis(axis_stated, dims->size()));
    require(other->size() == dims->size(), "inputs of different rank");
    for (size_t d = 0; d < dims->size(); ++d) (*dims)[d] = d == axis ? sum((*dims)[d], (*other)[d]) : same_dim((*dims)[d], (*other)[d]);
  }
  if (dims) normalize_axis(axis_stated, dims->size());
  return outputs(node, {{dtype_of(in, 0), dims}});
}

// ---- Split: sizes from an attribute (to opset 12), an input (13), equal parts, or num_outputs (18) with a smaller last one ----

std::vector<int64_t> equal_parts(int64_t total, size_t count, bool uneven) {
  require(count > 0 && (uneven || total % static_cast<int64_t>(count) == 0), "the axis does not split into equal parts");
  const int64_t size = (total + static_cast<int64_t>(count) - 1) / static_cast<int64_t>(count);
  std::vector<int64_t> sizes;
  for (int64_t left = total; sizes.size() < count; left -= sizes.back()) sizes.push_back(std::clamp<int64_t>(left, 0, size));
  return sizes;
}

std::vector<int64_t> split_sizes(const Node& node, const std::optional<std::vector<int64_t>>& stated, int64_t total) {
  if (!stated) return equal_parts(total, node.output_count(), node.attribute("num_outputs") != nullptr);
  int64_t covered = 0;
  for (const int64_t size : *stated) {
    require(size >= 0 && size <= total, "a part of Split is negative or too large");
    covered += size;
  }
  require(stated->size() == node.output_count() && covered == total, "the parts of Split do not add up to the axis");
  return *stated;
}

std::optional<std::vector<int64_t>> sizes_attribute(const Node& node) {
  if (!node.attribute("split")) return std::nullopt;
  return node.attr_or("split", std::vector<int64_t>{});
}

void split(const Node& node, const Tensor& x, const std::optional<std::vector<int64_t>>& stated, TensorsOut out) {
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x.rank()));
  const Shape strides = strides_of(x.shape());
  int64_t at = 0;
  size_t i = 0;
  for (const int64_t size : split_sizes(node, stated, x.shape()[axis])) {
    Shape shape = x.shape();
    shape[axis] = size;
    out[i++] = read_box(x, {shape, strides, at * strides[axis]});
    at += size;
  }
}

void split_2(const Node& node, TensorsIn in, TensorsOut out) { split(node, input(in, 0), sizes_attribute(node), out); }
void split_13(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& sizes = optional_input(in, 1);
  split(node, input(in, 0), sizes.defined() ? std::optional(sizes.to_ints()) : std::nullopt, out);
}

TypeList infer_split(const Node& node, const InferInput& in, const std::optional<std::vector<int64_t>>& stated, bool known_sizes) {
  const Dims& x = dims_of(in, 0);
  TypeList types(node.output_count(), {dtype_of(in, 0), x});
  if (!x) return types;
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x->size()));
  for (ValueType& type : types) (*type.dims)[axis] = {};
  if (known_sizes && (stated || (*x)[axis].known())) {
    const auto sizes = (*x)[axis].known() ? split_sizes(node, stated, (*x)[axis].value) : *stated;
    for (size_t i = 0; i < types.size() && i < sizes.size(); ++i) (*types[i].dims)[axis] = known(sizes[i]);
  }
  return types;
}

TypeList infer_split_2(const Node& node, const InferInput& in) { return infer_split(node, in, sizes_attribute(node), true); }
TypeList infer_split_13(const Node& node, const InferInput& in) {
  const auto sizes = ints_of(in, 1);
  return infer_split(node, in, sizes, sizes || !present(node, 1));
}

void lift_split(Graph& graph, Node& node) { ints_to_input(graph, node, "split", 1); }
/// Since 18 equal parts must be counted.
void lift_split_13(Graph&, Node& node) {
  if (!node.in(1)) node.set_attribute("num_outputs", static_cast<int64_t>(node.output_count()));
}

}  // namespace

extern const OpDef kConcat4{.name = "Concat", .since = 4, .infer = infer_concat, .eval = concat, .quant = same_scale()};
extern const OpDef kSplit2{
    .name = "Split", .since = 2, .infer = infer_split_2, .eval = split_2, .quant = pass_through(), .lift = lift_split};
extern const OpDef kSplit13{
    .name = "Split", .since = 13, .infer = infer_split_13, .eval = split_13, .quant = pass_through(), .lift = lift_split_13};
extern const OpDef kSplit18{.name = "Split", .since = 18, .infer = infer_split_13, .eval = split_13, .quant = pass_through()};

}  // namespace qtool
