// Clip: min(max(x, lo), hi). Bounds are attributes up to opset 10, optional inputs since 11.
#include <limits>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"

namespace qtool {
namespace {

void clip_6(const Node& node, TensorsIn in, TensorsOut out) {
  const double lo = node.attr_or("min", std::numeric_limits<float>::lowest()), hi = node.attr_or("max", std::numeric_limits<float>::max());
  out[0] = map_real(input(in, 0), [=](double x) { return x < lo ? lo : x > hi ? hi : x; });
}

/// The larger (smaller) of x and a scalar bound; where both bounds cross, the upper one wins as in numpy.
template <class Keep>
Tensor bounded(const Tensor& x, const Tensor& bound, Keep&& keep) {
  if (!bound.defined()) return x;
  require(bound.size() == 1, "a bound of Clip must be a scalar");
  return zip_number(x, bound.reshaped({}), keep);
}

void clip_11(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor raised = bounded(input(in, 0), optional_input(in, 1), [](auto x, auto lo) { return x < lo ? lo : x; });
  out[0] = bounded(raised, optional_input(in, 2), [](auto x, auto hi) { return x > hi ? hi : x; });
}

void lift_bound(Graph& graph, Node& node, const char* attribute, size_t index) {
  if (!node.attribute(attribute)) return;
  const DType known = node.in(0)->type.dtype;
  const Tensor bound = Tensor::scalar(node.attr_or(attribute, 0.0f)).cast(is_floating(known) ? known : DType::float32);
  node.remove_attribute(attribute);
  graph.set_input(node, index, add_constant(graph, node, attribute, bound));
}

void lift(Graph& graph, Node& node) {
  lift_bound(graph, node, "min", 1);
  lift_bound(graph, node, "max", 2);
}

}  // namespace

extern const OpDef kClip6{.name = "Clip", .since = 6, .infer = infer_same, .eval = clip_6, .quant = lut(), .lift = lift};
extern const OpDef kClip11{.name = "Clip", .since = 11, .infer = infer_same, .eval = clip_11, .quant = lut()};

}  // namespace qtool
