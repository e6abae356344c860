// LSTM with its usual activations, in float: W x + b of all steps is one matrix product, R h one of a vector (or a batch) and a matrix
// each step, then i, o, f = sigmoid, g = tanh, c = f c + i g, h = o tanh(c). Gates lie in the order i o f g.

#include <dnnl.h>

#include "exec/kernels/function_step.h"
#include "exec/onednn/rows/rows.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

/// One direction: W [4 hidden][inputs] as in the file, R [hidden][4 hidden] turned, bias [4 hidden].
struct Direction {
  const float* w;
  std::vector<float> r, bias;
  bool backwards = false;
};

struct Lstm {
  int64_t inputs = 0, hidden = 0;
  std::vector<Direction> directions;
  Tensor weights;      ///< keeps the Ws alive
  int h = -1, c = -1;  ///< which activation is the initial state; -1: the constant, or zeros
  Tensor constant_h, constant_c;
  bool gives[3] = {};  ///< Y, Y_h, Y_c are there
};

/// Rows of `matrix` [rows, columns] as columns.
std::vector<float> transposed(const float* matrix, int64_t rows, int64_t columns) {
  std::vector<float> result(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < columns; ++k) result[static_cast<size_t>(k * rows + r)] = matrix[r * columns + k];
  return result;
}

std::vector<float> summed_bias(const Tensor* bias, int64_t d, int64_t gates) {
  std::vector<float> sum(static_cast<size_t>(gates), 0.0f);
  if (bias)
    for (int64_t i = 0; i < gates; ++i)
      sum[static_cast<size_t>(i)] = static_cast<float>(bias->number_at(d * 2 * gates + i) + bias->number_at((d * 2 + 1) * gates + i));
  return sum;
}

const Tensor* constant_in(const Node& node, size_t i) { return node.in(i) ? node.in(i)->constant() : nullptr; }

std::optional<std::string> why_not(const Node& node) {
  for (const char* name : {"activations", "clip", "input_forget", "layout"})
    if (node.attribute(name)) return std::string("has the attribute ") + name;
  if (node.in(4) || node.in(7)) return "has sequence lengths or peepholes";
  const Tensor *w = constant_in(node, 1), *r = constant_in(node, 2), *b = constant_in(node, 3);
  if (!w || !r || (node.in(3) && !b)) return "its weights are computed";
  if (w->dtype() != DType::float32 || r->dtype() != DType::float32 || w->rank() != 3 || r->rank() != 3) return "its weights are no floats";
  const int64_t gates = w->shape()[1];
  if (r->shape()[1] != gates || r->shape()[2] * 4 != gates || r->shape()[0] != w->shape()[0]) return "its weights do not fit each other";
  if (b && (b->rank() != 2 || b->shape()[0] != w->shape()[0] || b->shape()[1] != 2 * gates)) return "its bias does not fit";
  for (const size_t state : {size_t{5}, size_t{6}})
    if (constant_in(node, state) && constant_in(node, state)->dtype() != DType::float32) return "its initial state is not float";
  return std::nullopt;
}

void take_state(const Node& node, size_t input, int& next, int& which, Tensor& constant) {
  if (const Tensor* given = constant_in(node, input))
    constant = *given;
  else if (node.in(input))
    which = next++;
}

Lstm packed(const Node& node) {
  Lstm lstm;
  const Tensor &w = *constant_in(node, 1), &r = *constant_in(node, 2);
  lstm.inputs = w.shape()[2];
  lstm.hidden = r.shape()[2];
  const int64_t gates = 4 * lstm.hidden;
  const std::string direction = node.attr_or("direction", "forward");
  for (int64_t d = 0; d < w.shape()[0]; ++d)
    lstm.directions.push_back({w.floats().data() + d * gates * lstm.inputs,
                               transposed(r.floats().data() + d * gates * lstm.hidden, gates, lstm.hidden),
                               summed_bias(constant_in(node, 3), d, gates), direction == "reverse" || d == 1});
  lstm.weights = w;
  int next = 1;  // X is the first activation
  take_state(node, 5, next, lstm.h, lstm.constant_h);
  take_state(node, 6, next, lstm.c, lstm.constant_c);
  for (size_t i = 0; i < 3; ++i) lstm.gives[i] = node.out(i) != nullptr;
  return lstm;
}

/// c += a b of matrices in rows: a [m, k], b [k, n], or [n, k] when `turned`.
void add_product(const float* a, const float* b, float* c, int64_t m, int64_t n, int64_t k, bool turned) {
  if (m * n * k == 0) return;
  if (dnnl_sgemm('N', turned ? 'T' : 'N', m, n, k, 1.0f, a, k, b, turned ? k : n, 1.0f, c, n) != dnnl_success)
    throw CannotRun("oneDNN has no product of this size");
}

void apply(kernels::CurveKind kind, float* values, int64_t count) {
  kernels::best<kernels::Curve>().run({kind, 0, 0, values, values, static_cast<size_t>(count)});
}

/// The state behind one step of one sequence: `gates` holds W x + R h + b and is spent; `scratch` [hidden].
void advance(int64_t hidden, float* gates, float* h, float* c, float* scratch) {
  apply(kernels::CurveKind::sigmoid, gates, 3 * hidden);
  apply(kernels::CurveKind::tanh, gates + 3 * hidden, hidden);
  const float *i = gates, *o = gates + hidden, *f = gates + 2 * hidden, *g = gates + 3 * hidden;
  for (int64_t u = 0; u < hidden; ++u) scratch[u] = c[u] = f[u] * c[u] + i[u] * g[u];
  apply(kernels::CurveKind::tanh, scratch, hidden);
  for (int64_t u = 0; u < hidden; ++u) h[u] = o[u] * scratch[u];
}

/// R h of a batch, added to its gates.
void recur(const Direction& direction, const float* h, float* gates, int64_t batch, int64_t hidden) {
  if (batch > 1) return add_product(h, direction.r.data(), gates, batch, 4 * hidden, hidden, false);
  kernels::best<kernels::Gemv>().run({h, direction.r.data(), gates, static_cast<size_t>(hidden), static_cast<size_t>(4 * hidden)});
}

/// W x + b of all steps: [steps batch][4 hidden].
void project(const Lstm& lstm, const Direction& direction, const float* x, float* gates, int64_t rows) {
  const auto count = static_cast<int64_t>(direction.bias.size());
  for (int64_t row = 0; row < rows; ++row) std::copy(direction.bias.begin(), direction.bias.end(), gates + row * count);
  add_product(x, direction.w, gates, rows, count, lstm.inputs, true);
}

/// The state an LSTM starts with, in a tensor that may be written.
Tensor state(StepInputs in, int which, const Tensor& constant, const Shape& shape, BufferPool& pool) {
  Tensor tensor = pool.tensor(DType::float32, shape);
  const Tensor* given = which >= 0 ? &in[static_cast<size_t>(which)]->tensor : constant.defined() ? &constant : nullptr;
  if (given && given->shape() != shape) throw CannotRun("a state of another shape");
  float* values = tensor.mutable_data<float>().data();
  if (given)
    std::copy_n(given->floats().data(), tensor.size(), values);
  else
    std::fill_n(values, tensor.size(), 0.0f);
  return tensor;
}

void run(const Lstm& lstm, StepInputs in, std::span<Array> out, StepContext& context) {
  const Tensor& x = in[0]->tensor;
  if (x.rank() != 3 || x.shape()[2] != lstm.inputs) throw CannotRun("an input of another shape");
  const int64_t steps = x.shape()[0], batch = x.shape()[1], hidden = lstm.hidden, count = static_cast<int64_t>(lstm.directions.size());
  const Shape states{count, batch, hidden};
  Tensor h = state(in, lstm.h, lstm.constant_h, states, context.pool), c = state(in, lstm.c, lstm.constant_c, states, context.pool);
  Tensor y = context.pool.tensor(DType::float32, {steps, count, batch, hidden});
  Tensor gates = context.pool.tensor(DType::float32, {steps * batch, 4 * hidden}), scratch = context.pool.tensor(DType::float32, {hidden});
  float *ys = y.mutable_data<float>().data(), *gs = gates.mutable_data<float>().data(), *spare = scratch.mutable_data<float>().data();
  for (int64_t d = 0; d < count; ++d) {
    const Direction& direction = lstm.directions[static_cast<size_t>(d)];
    float *hs = h.mutable_data<float>().data() + d * batch * hidden, *cs = c.mutable_data<float>().data() + d * batch * hidden;
    project(lstm, direction, floats_in(*in[0]), gs, steps * batch);
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t t = direction.backwards ? steps - 1 - i : i;
      float* now = gs + t * batch * 4 * hidden;
      recur(direction, hs, now, batch, hidden);
      for (int64_t n = 0; n < batch; ++n) advance(hidden, now + n * 4 * hidden, hs + n * hidden, cs + n * hidden, spare);
      std::copy_n(hs, batch * hidden, ys + (t * count + d) * batch * hidden);
    }
  }
  Tensor* made[] = {&y, &h, &c};
  for (size_t i = 0; i < out.size(); ++i)
    if (lstm.gives[i]) out[i] = {std::move(*made[i]), Layout::plain};
}

}  // namespace

LowerResult lower_lstm(const Model&, const Cluster& cluster) {
  const Node& node = *cluster.root;
  if (auto reason = why_not(node)) return Declined{*reason};
  if (activations_of(cluster).empty() || cluster.inputs[0].constant()) return Declined{"its input is a constant"};
  for (const Operand* operand : activations_of(cluster))
    if (operand->value->type.dtype != DType::float32) return Declined{"not in float"};
  return make_lowered(LayoutRule::plain, "lstm_" + std::string(kernels::best<kernels::Gemv>().name),
                      [lstm = std::make_shared<const Lstm>(packed(node))](StepInputs in, std::span<Array> out, StepContext& context) {
                        run(*lstm, in, out, context);
                      });
}

}  // namespace qtool::onednn
