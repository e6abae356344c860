#include "exec/kernels/recurrent/recurrence.h"

#include "exec/canonical/dynamic_recurrence.h"
#include "exec/cluster/quantized.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/weight_view.h"
#include "graph/domains.h"
#include "kernels/registry.h"
#include "ops/helpers/rnn.h"

namespace qtool::lowerings {
namespace {

/// The state a recurrence starts with: an activation, a constant, or zeros.
struct InitialState {
  int input = -1;
  Tensor constant;

  /// In a tensor that may be written.
  Tensor of(StepInputs in, const Shape& shape, BufferPool& pool) const {
    Tensor tensor = pool.tensor(DType::float32, shape);
    const Tensor* given = input >= 0 ? &in[static_cast<size_t>(input)]->tensor : constant.defined() ? &constant : nullptr;
    if (given && given->shape() != shape) throw CannotRun("a state of another shape");
    float* values = tensor.mutable_data<float>().data();
    if (given)
      std::copy_n(given->floats().data(), tensor.size(), values);
    else
      std::fill_n(values, tensor.size(), 0.0f);
    return tensor;
  }
};

struct Recurrence {
  const Cell* cell;
  int64_t inputs = 0, hidden = 0;
  std::vector<Direction> directions;
  InitialState h, c;
  bool gives[3] = {};  ///< Y, Y_h, Y_c are there
};

bool is_packed(const Node& node) { return node.domain == kPackedDomain; }

std::optional<std::string> why_not_floats(const Tensor& weight) {
  if (weight.dtype() == DType::float32 && weight.rank() == 3) return std::nullopt;
  return "its weights are no floats";
}

std::optional<std::string> why_not_weights(const Node& node, int64_t per_unit) {
  const Tensor *w = constant_in(node, 1), *r = constant_in(node, 2), *b = constant_in(node, 3);
  if (!w || !r || (node.in(3) && !b)) return "its weights are computed";
  for (const size_t weight : {size_t{0}, size_t{1}})
    if (auto reason = is_packed(node) ? PackedGates::why_not(node, weight) : why_not_floats(*constant_in(node, 1 + weight))) return reason;
  const int64_t gates = w->shape()[1];
  if (r->shape()[1] != gates || r->shape()[2] * per_unit != gates || r->shape()[0] != w->shape()[0])
    return "its weights do not fit each other";
  if (b && (b->dtype() != DType::float32 || b->rank() != 2 || b->shape()[0] != w->shape()[0] || b->shape()[1] != 2 * gates))
    return "its bias does not fit";
  return std::nullopt;
}

std::optional<std::string> why_not(const Node& node, const Cell& cell) {
  for (const char* name : {"clip", "input_forget", "layout"})
    if (node.attribute(name)) return std::string("has the attribute ") + name;
  if (node.in(4) || node.in(7)) return "has sequence lengths or peepholes";
  for (const size_t state : {size_t{5}, size_t{6}})
    if (constant_in(node, state) && constant_in(node, state)->dtype() != DType::float32) return "its initial state is not float";
  return why_not_weights(node, cell.gates);
}

InitialState state_in(const Node& node, size_t input, int& next) {
  if (const Tensor* given = constant_in(node, input)) return {-1, *given};
  return {node.in(input) ? next++ : -1, {}};
}

/// Scales of the rows of W or R in all directions; empty where the weights are no codes.
std::vector<float> row_scales(const Node& node, size_t weight) {
  auto scales = node.attr_or(kRowScales[weight], std::vector<float>{});
  const Shape& shape = constant_in(node, 1 + weight)->shape();
  if (std::ssize(scales) != shape[0] * shape[1]) scales.clear();
  return scales;
}

GateProducts products_of(const Node& node) {
  if (is_packed(node)) return GateProducts::packed;
  if (node.attr_or(kDynamicAttribute, 0) == 0) return GateProducts::floats;
  const bool codes = !row_scales(node, 0).empty() && !row_scales(node, 1).empty();
  const bool deep = std::max(constant_in(node, 1)->shape()[2], constant_in(node, 2)->shape()[2]) > kDeepest;
  return codes && !deep ? best_products_of_codes() : GateProducts::rounded;
}

/// W or R of one direction; `scales`: of the rows in all directions, where the weights are codes.
GateSource source_of(const Node& node, size_t weight, GateProducts products, const std::vector<float>& scales, int64_t d) {
  if (products == GateProducts::packed) return {products, nullptr, nullptr, PackedGates(node, weight, d)};
  const Tensor& rows = *constant_in(node, 1 + weight);
  const int64_t count = rows.shape()[1];
  return {products, rows.floats().data() + d * count * rows.shape()[2], scales.empty() ? nullptr : scales.data() + d * count, {}};
}

Direction direction_of(const Node& node, const Cell& cell, GateProducts products, int64_t d) {
  const Tensor &w = *constant_in(node, 1), &r = *constant_in(node, 2);
  const int64_t gates = w.shape()[1], inputs = w.shape()[2], hidden = r.shape()[2];
  const std::vector<float> w_scales = row_scales(node, 0), r_scales = row_scales(node, 1);
  std::vector<float> biases(static_cast<size_t>(2 * gates), 0.0f);
  if (const Tensor* b = constant_in(node, 3)) std::copy_n(b->floats().data() + d * 2 * gates, 2 * gates, biases.data());
  Direction direction;
  direction.w = GateMatrix(source_of(node, 0, products, w_scales, d), 0, gates, inputs);
  direction.backwards = d == 1 || node.attr_or("direction", "forward") == std::string("reverse");
  const GateSource source = source_of(node, 1, products, r_scales, d);
  cell.pack({source, biases.data(), biases.data() + gates, hidden}, direction);
  return direction;
}

Recurrence packed(const Node& node, const Cell& cell, GateProducts products) {
  Recurrence made{&cell, constant_in(node, 1)->shape()[2], constant_in(node, 2)->shape()[2], {}, {}, {}, {}};
  for (int64_t d = 0; d < constant_in(node, 1)->shape()[0]; ++d) made.directions.push_back(direction_of(node, cell, products, d));
  int next = 1;  // X is the first activation
  made.h = state_in(node, 5, next);
  if (cell.has_c) made.c = state_in(node, 6, next);
  for (size_t i = 0; i < 3; ++i) made.gives[i] = node.out(i) != nullptr;
  return made;
}

/// W x + bias of all steps: [steps batch][gates hidden].
void project(const Recurrence& q, const Direction& direction, const float* x, float* gates, int64_t rows, int threads) {
  const auto count = static_cast<int64_t>(direction.bias.size());
  in_parts(threads, rows, rows * count * q.inputs / 16, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) std::copy(direction.bias.begin(), direction.bias.end(), gates + row * count);
    direction.w.add_product(x + first * q.inputs, gates + first * count, last - first, count);
  });
}

void run(const Recurrence& q, StepInputs in, std::span<Array> out, StepContext& context) {
  const Tensor& x = in[0]->tensor;
  if (x.rank() != 3 || x.shape()[2] != q.inputs) throw CannotRun("an input of another shape");
  const int64_t steps = x.shape()[0], batch = x.shape()[1], hidden = q.hidden, count = static_cast<int64_t>(q.directions.size());
  const Shape states{count, batch, hidden};
  Tensor h = q.h.of(in, states, context.pool), c = q.cell->has_c ? q.c.of(in, states, context.pool) : Tensor();
  Tensor y = context.pool.tensor(DType::float32, {steps, count, batch, hidden});
  Tensor gates = context.pool.tensor(DType::float32, {steps * batch, q.cell->gates * hidden});
  Tensor spare = context.pool.tensor(DType::float32, {batch, hidden});
  float *ys = y.mutable_data<float>().data(), *gs = gates.mutable_data<float>().data();
  for (int64_t d = 0; d < count; ++d) {
    const Direction& direction = q.directions[static_cast<size_t>(d)];
    float* hs = h.mutable_data<float>().data() + d * batch * hidden;
    float* cs = q.cell->has_c ? c.mutable_data<float>().data() + d * batch * hidden : nullptr;
    project(q, direction, floats_in(*in[0]), gs, steps * batch, context.threads);
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t t = direction.backwards ? steps - 1 - i : i;
      q.cell->step({direction, batch, hidden, gs + t * batch * q.cell->gates * hidden, hs, cs, spare.mutable_data<float>().data()});
      std::copy_n(hs, batch * hidden, ys + (t * count + d) * batch * hidden);
    }
  }
  Tensor* made[] = {&y, &h, &c};
  for (size_t i = 0; i < out.size(); ++i)
    if (q.gives[i]) out[i] = {std::move(*made[i]), Layout::plain};
}

void apply(kernels::CurveKind kind, float* values, int64_t count) {
  kernels::best<kernels::Curve>().run({kind, 0, 0, values, values, static_cast<size_t>(count)});
}

}  // namespace

void sigmoid(float* values, int64_t count) { apply(kernels::CurveKind::sigmoid, values, count); }
void tanh(float* values, int64_t count) { apply(kernels::CurveKind::tanh, values, count); }

std::optional<std::string> other_activations(const Node& node, const std::vector<std::string>& expected) {
  const Attribute* listed = node.attribute("activations");
  const auto* given = listed ? std::get_if<std::vector<std::string>>(&listed->value) : nullptr;
  for (size_t i = 0; given && i < given->size(); ++i)
    if ((*given)[i] != expected[i % expected.size()]) return "has the activation " + (*given)[i];
  return std::nullopt;
}

LowerResult lower_recurrence(const Cluster& cluster, const Cell& cell) {
  const Node& node = *cluster.root;
  if (auto reason = why_not(node, cell)) return Declined{*reason};
  if (activations_of(cluster).empty() || cluster.inputs[0].constant()) return Declined{"its input is a constant"};
  for (const Operand* operand : activations_of(cluster))
    if (operand->value->type.dtype != DType::float32) return Declined{"not in float"};
  const GateProducts products = products_of(node);
  return make_lowered(LayoutRule::plain,
                      std::string(cell.name) + "_" + GateMatrix::kernel(source_of(node, 0, products, row_scales(node, 0), 0)),
                      [q = std::make_shared<const Recurrence>(packed(node, cell, products))](
                          StepInputs in, std::span<Array> out, StepContext& context) { run(*q, in, out, context); });
}

}  // namespace qtool::lowerings
