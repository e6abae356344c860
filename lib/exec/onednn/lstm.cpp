// LSTM with its usual activations, in float: gate = W x + R h + b by one product of a vector and a matrix each, then
// i, o, f = sigmoid, g = tanh, c = f c + i g, h = o tanh(c). Gates lie in the order i o f g.

#include <cmath>

#include "exec/onednn/function_step.h"
#include "exec/onednn/rows.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

/// One direction: [inputs][4 hidden], [hidden][4 hidden], [4 hidden].
struct Direction {
  std::vector<float> w, r, bias;
  bool backwards = false;
};

struct Lstm {
  int64_t inputs = 0, hidden = 0;
  std::vector<Direction> directions;
  int h = -1, c = -1;  ///< which activation is the initial state; -1: zeros
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
    if (constant_in(node, state)) return "its initial state is a constant";
  return std::nullopt;
}

Lstm packed(const Node& node) {
  Lstm lstm;
  const Tensor &w = *constant_in(node, 1), &r = *constant_in(node, 2);
  lstm.inputs = w.shape()[2];
  lstm.hidden = r.shape()[2];
  const int64_t gates = 4 * lstm.hidden;
  const std::string direction = node.attr_or("direction", "forward");
  for (int64_t d = 0; d < w.shape()[0]; ++d)
    lstm.directions.push_back({transposed(w.floats().data() + d * gates * lstm.inputs, gates, lstm.inputs),
                               transposed(r.floats().data() + d * gates * lstm.hidden, gates, lstm.hidden),
                               summed_bias(constant_in(node, 3), d, gates), direction == "reverse" || d == 1});
  int next = 1;  // X is the first activation
  if (node.in(5)) lstm.h = next++;
  if (node.in(6)) lstm.c = next++;
  for (size_t i = 0; i < 3; ++i) lstm.gives[i] = node.out(i) != nullptr;
  return lstm;
}

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

/// One step of one sequence: `gates` is scratch, h and c are replaced.
void advance(const Lstm& lstm, const Direction& direction, const float* x, float* gates, float* h, float* c) {
  const auto hidden = static_cast<size_t>(lstm.hidden), count = 4 * hidden;
  const auto& gemv = kernels::best<kernels::Gemv>();
  std::copy(direction.bias.begin(), direction.bias.end(), gates);
  gemv.run({x, direction.w.data(), gates, static_cast<size_t>(lstm.inputs), count});
  gemv.run({h, direction.r.data(), gates, hidden, count});
  for (size_t u = 0; u < hidden; ++u) {
    c[u] = sigmoid(gates[2 * hidden + u]) * c[u] + sigmoid(gates[u]) * std::tanh(gates[3 * hidden + u]);
    h[u] = sigmoid(gates[hidden + u]) * std::tanh(c[u]);
  }
}

/// The state an LSTM starts with, in a tensor that may be written.
Tensor state(StepInputs in, int which, const Shape& shape, BufferPool& pool) {
  Tensor tensor = pool.tensor(DType::float32, shape);
  if (which >= 0 && in[static_cast<size_t>(which)]->tensor.shape() != shape) throw CannotRun("a state of another shape");
  if (which >= 0)
    std::copy_n(floats_in(*in[static_cast<size_t>(which)]), tensor.size(), tensor.mutable_data<float>().data());
  else
    std::fill_n(tensor.mutable_data<float>().data(), tensor.size(), 0.0f);
  return tensor;
}

void run(const Lstm& lstm, StepInputs in, std::span<Array> out, StepContext& context) {
  const Tensor& x = in[0]->tensor;
  if (x.rank() != 3 || x.shape()[2] != lstm.inputs) throw CannotRun("an input of another shape");
  const int64_t steps = x.shape()[0], batch = x.shape()[1], hidden = lstm.hidden, count = static_cast<int64_t>(lstm.directions.size());
  Tensor h = state(in, lstm.h, {count, batch, hidden}, context.pool), c = state(in, lstm.c, {count, batch, hidden}, context.pool);
  Tensor y = context.pool.tensor(DType::float32, {steps, count, batch, hidden}), gates = context.pool.tensor(DType::float32, {4 * hidden});
  float *hs = h.mutable_data<float>().data(), *cs = c.mutable_data<float>().data();
  float *ys = y.mutable_data<float>().data(), *scratch = gates.mutable_data<float>().data();
  for (int64_t d = 0; d < count; ++d) {
    const Direction& direction = lstm.directions[static_cast<size_t>(d)];
    for (int64_t i = 0; i < steps; ++i)
      for (int64_t n = 0; n < batch; ++n) {
        const int64_t t = direction.backwards ? steps - 1 - i : i;
        float* now = hs + (d * batch + n) * hidden;
        advance(lstm, direction, floats_in(*in[0]) + (t * batch + n) * lstm.inputs, scratch, now, cs + (d * batch + n) * hidden);
        std::copy_n(now, hidden, ys + ((t * count + d) * batch + n) * hidden);
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
