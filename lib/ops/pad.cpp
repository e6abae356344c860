// Pad: elements added (or cut, negative pads) at both ends of the dimensions. Modes constant, reflect, edge, wrap (opset 19).
#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Ints = std::vector<int64_t>;

/// begin and end of every dimension.
struct Pads {
  Ints begin, end;
};

Pads spread(const Ints& pads, const Ints& axes, size_t rank) {
  Pads all{Ints(rank, 0), Ints(rank, 0)};
  require(pads.size() == 2 * axes.size(), "pads must hold two numbers a dimension");
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normalize_axis(axes[i], rank));
    all.begin[axis] = pads[i];
    all.end[axis] = pads[axes.size() + i];
  }
  return all;
}

Ints all_axes(size_t rank) {
  Ints axes;
  for (size_t d = 0; d < rank; ++d) axes.push_back(static_cast<int64_t>(d));
  return axes;
}

Shape padded_shape(const Shape& shape, const Pads& pads) {
  Shape out = shape;
  for (size_t d = 0; d < out.size(); ++d) {
    require(std::abs(pads.begin[d]) < int64_t{1} << 40 && std::abs(pads.end[d]) < int64_t{1} << 40, "a pad is too large");
    out[d] += pads.begin[d] + pads.end[d];
    require(out[d] >= 0, "pads cut more than there is");
  }
  return out;
}

/// Position i of the padded dimension -> position in the input; -1 for the constant.
int64_t source(int64_t i, int64_t size, const std::string& mode) {
  if (i >= 0 && i < size) return i;
  if (mode == "constant" || size == 0) return -1;
  if (mode == "edge") return i < 0 ? 0 : size - 1;
  if (mode == "wrap") return (i % size + size) % size;
  if (mode != "reflect") throw invalid_file("mode \"" + mode + "\" is unknown");
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1), folded = (i % period + period) % period;
  return folded < size ? folded : period - folded;
}

/// For every dimension and position, the offset it adds in the input; -1 for the constant.
std::vector<Ints> source_table(const Tensor& x, const Pads& pads, const Shape& out, const std::string& mode) {
  const Shape strides = strides_of(x.shape());
  std::vector<Ints> table(out.size());
  for (size_t d = 0; d < out.size(); ++d)
    for (int64_t i = 0; i < out[d]; ++i) {
      const int64_t from = source(i - pads.begin[d], x.shape()[d], mode);
      table[d].push_back(from < 0 ? -1 : from * strides[d]);
    }
  return table;
}

Tensor padded(const Tensor& x, const Pads& pads, const std::string& mode, const Tensor& value) {
  Tensor y(x.dtype(), padded_shape(x.shape(), pads));
  const std::vector<Ints> table = source_table(x, pads, y.shape(), mode);
  dispatch_width(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    const T fill = *elements<T>(value);
    T* to = elements<T>(y);
    for_each_index(y.shape(), [&](const Shape& index) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t d = 0; inside && d < index.size(); ++d) {
        const int64_t step = table[d][static_cast<size_t>(index[d])];
        inside = step >= 0;
        offset += step;
      }
      *to++ = inside ? from[offset] : fill;
    });
  });
  return y;
}

void pad_2(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Pads pads = spread(node.attr_or("pads", Ints{}), all_axes(x.rank()), x.rank());
  out[0] = padded(x, pads, node.attr_or("mode", "constant"), Tensor::scalar(node.attr_or("value", 0.0f)).cast(x.dtype()));
}

void pad_11(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &value = optional_input(in, 2), &axes = optional_input(in, 3);
  const Pads pads = spread(input(in, 1).to_ints(), axes.defined() ? axes.to_ints() : all_axes(x.rank()), x.rank());
  const bool has_value = value.defined() && value.size() > 0;
  if (has_value && value.dtype() != x.dtype()) refuse_type(value.dtype());
  out[0] = padded(x, pads, node.attr_or("mode", "constant"), has_value ? value : Tensor::zeros(x.dtype(), {}));
}

TypeList infer_with(const Node& node, const InferInput& in, const Pads& pads) {
  std::vector<Dim> dims = *dims_of(in, 0);
  for (size_t d = 0; d < dims.size(); ++d)
    if (dims[d].known())
      dims[d] = known(padded_shape({dims[d].value}, {{pads.begin[d]}, {pads.end[d]}})[0]);
    else if (pads.begin[d] + pads.end[d] != 0)
      dims[d] = {};
  return outputs(node, {{dtype_of(in, 0), std::move(dims)}});
}

TypeList infer_2(const Node& node, const InferInput& in) {
  const Dims& dims = dims_of(in, 0);
  if (!dims) return infer_dtype(node, in);
  return infer_with(node, in, spread(node.attr_or("pads", Ints{}), all_axes(dims->size()), dims->size()));
}

TypeList infer_11(const Node& node, const InferInput& in) {
  const Dims& dims = dims_of(in, 0);
  const auto pads = ints_of(in, 1), axes = ints_of(in, 3);
  if (!dims) return infer_dtype(node, in);
  if (!pads || (present(node, 3) && !axes)) return outputs(node, {{dtype_of(in, 0), unknown_dims(dims->size())}});
  return infer_with(node, in, spread(*pads, axes ? *axes : all_axes(dims->size()), dims->size()));
}

void lift(Graph& graph, Node& node) {
  ints_to_input(graph, node, "pads", 1);
  const DType dtype = node.in(0)->type.dtype;
  const float value = node.attr_or("value", 0.0f);
  node.remove_attribute("value");
  if (value != 0)
    graph.set_input(node, 2, add_constant(graph, node, "value", Tensor::scalar(value).cast(is_floating(dtype) ? dtype : DType::float32)));
}

}  // namespace

extern const OpDef kPad2{.name = "Pad", .since = 2, .infer = infer_2, .eval = pad_2, .lift = lift};
extern const OpDef kPad11{.name = "Pad", .since = 11, .infer = infer_11, .eval = pad_11};

}  // namespace qtool
