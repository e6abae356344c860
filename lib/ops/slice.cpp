// Slice: x[start:end:step] along axes, numpy's rules. Attributes up to opset 9 (step 1), inputs since 10.
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

using Ints = std::vector<int64_t>;

struct Cuts {
  Ints starts, ends, axes, steps;  // of equal length
};

struct Cut {
  int64_t start, count, step;
};

/// Clamped as numpy does; step != 0.
Cut cut_of(int64_t start, int64_t end, int64_t step, int64_t size) {
  require(step != 0, "a step of Slice is 0");
  const auto from_back = [size](int64_t at) { return at < 0 ? at + size : at; };
  if (step > 0) {
    start = std::clamp<int64_t>(from_back(start), 0, size);
    end = std::clamp<int64_t>(from_back(end), 0, size);
    return {start, end > start ? (end - start - 1) / step + 1 : 0, step};
  }
  start = std::clamp<int64_t>(from_back(start), -1, size - 1);
  end = std::clamp<int64_t>(from_back(end), -1, size - 1);
  step = std::max(step, -(int64_t{1} << 62));
  return {start, start > end ? (start - end - 1) / -step + 1 : 0, step};
}

Cuts completed(Cuts cuts) {
  if (cuts.axes.empty())
    for (size_t i = 0; i < cuts.starts.size(); ++i) cuts.axes.push_back(static_cast<int64_t>(i));
  if (cuts.steps.empty()) cuts.steps.assign(cuts.starts.size(), 1);
  require(cuts.ends.size() == cuts.starts.size() && cuts.axes.size() == cuts.starts.size() && cuts.steps.size() == cuts.starts.size(),
          "starts, ends, axes and steps differ in length");
  return cuts;
}

Cuts attribute_cuts(const Node& node) {
  return completed({node.attr_or("starts", Ints{}), node.attr_or("ends", Ints{}), node.attr_or("axes", Ints{}), {}});
}

Tensor sliced(const Tensor& x, const Cuts& cuts) {
  Box box{x.shape(), strides_of(x.shape()), 0};
  for (size_t i = 0; i < cuts.starts.size(); ++i) {
    const auto axis = static_cast<size_t>(normalize_axis(cuts.axes[i], x.rank()));
    const Cut cut = cut_of(cuts.starts[i], cuts.ends[i], cuts.steps[i], x.shape()[axis]);
    const int64_t stride = strides_of(x.shape())[axis];
    box.shape[axis] = cut.count;
    box.start += cut.count > 0 ? cut.start * stride : 0;
    box.strides[axis] = cut.count > 1 ? stride * cut.step : 0;
  }
  return read_box(x, box);
}

Ints optional_ints(TensorsIn in, size_t i) { return optional_input(in, i).defined() ? in[i].to_ints() : Ints{}; }

void slice_1(const Node& node, TensorsIn in, TensorsOut out) { out[0] = sliced(input(in, 0), attribute_cuts(node)); }
void slice_10(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = sliced(input(in, 0), completed({input(in, 1).to_ints(), input(in, 2).to_ints(), optional_ints(in, 3), optional_ints(in, 4)}));
}

TypeList infer(const Node& node, const InferInput& in, const Cuts& cuts) {
  Dims dims = dims_of(in, 0);
  for (size_t i = 0; dims && i < cuts.starts.size(); ++i) {
    Dim& dim = (*dims)[static_cast<size_t>(normalize_axis(cuts.axes[i], dims->size()))];
    dim = dim.known() ? known(cut_of(cuts.starts[i], cuts.ends[i], cuts.steps[i], dim.value).count) : Dim{};
  }
  return outputs(node, {{dtype_of(in, 0), dims}});
}

TypeList infer_1(const Node& node, const InferInput& in) { return infer(node, in, attribute_cuts(node)); }

/// Where starts or ends are unknown, the axes they cut lose their size.
TypeList infer_10(const Node& node, const InferInput& in) {
  const auto starts = ints_of(in, 1), ends = ints_of(in, 2), axes = ints_of(in, 3), steps = ints_of(in, 4);
  const bool all = starts && ends && (axes || !present(node, 3)) && (steps || !present(node, 4));
  if (all) return infer(node, in, completed({*starts, *ends, axes.value_or(Ints{}), steps.value_or(Ints{})}));
  Dims dims = dims_of(in, 0);
  if (!dims) return infer_dtype(node, in);
  for (size_t d = 0; d < dims->size(); ++d)
    if (!axes) (*dims)[d] = {};
  for (const int64_t axis : axes.value_or(Ints{})) (*dims)[static_cast<size_t>(normalize_axis(axis, dims->size()))] = {};
  return outputs(node, {{dtype_of(in, 0), dims}});
}

void lift(Graph& graph, Node& node) {
  ints_to_input(graph, node, "starts", 1);
  ints_to_input(graph, node, "ends", 2);
  ints_to_input(graph, node, "axes", 3);
}

}  // namespace

extern const OpDef kSlice1{.name = "Slice", .infer = infer_1, .eval = slice_1, .quant = pass_through(), .lift = lift};
extern const OpDef kSlice10{.name = "Slice", .since = 10, .infer = infer_10, .eval = slice_10, .quant = pass_through()};

}  // namespace qtool
