// RNN: h = f(W x + R h + b).
// GRU: z = f(..), r = f(..), c = g(W x + Wb + r * (R h + Rb)) or g(W x + Wb + R (r * h) + Rb); h = (1 - z) c + z h.
// LSTM: i = f(.. + P c), f = f(.. + P c), g = g(..); c = f c + i g; o = f(.. + P c'); h = o h(c).
// Gates lie in W, R, B in the order iofc (LSTM) and zrh (GRU).
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/rnn.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

Reals zeros(int64_t count) { return Reals(static_cast<size_t>(count), 0.0); }

Reals empty_output(const Recurrence& q) { return zeros(q.seq * q.directions * q.batch * q.hidden); }

std::vector<std::vector<NamedActivation>> activations(const Node& node, const Recurrence& q, const std::vector<const char*>& defaults) {
  std::vector<std::vector<NamedActivation>> all;
  for (int64_t d = 0; d < q.directions; ++d) all.push_back(activations_of(node, static_cast<size_t>(d), defaults));
  return all;
}

/// W x + Wb + R h + Rb, `h` as it is read
double gate_sum(const Recurrence& q, int64_t d, int64_t t, int64_t n, const double* h, int64_t gate, int64_t unit) {
  return q.from_input(d, t, n, gate, unit) + q.from_state(d, h, gate, unit) + q.recurrent_bias(d, gate, unit);
}

void store(const Recurrence& q, const Reals& next, Reals& h, Reals& y, int64_t d, int64_t n, int64_t t) {
  std::copy(next.begin(), next.end(), h.begin() + static_cast<std::ptrdiff_t>(q.state_at(d, n)));
  std::copy(next.begin(), next.end(), y.begin() + static_cast<std::ptrdiff_t>(q.output_at(d, n, t)));
}

void rnn(const Node& node, TensorsIn in, TensorsOut out) {
  const Recurrence q(node, in, 1);
  const auto f = activations(node, q, {"Tanh"});
  Reals h = q.state(in, 5), y = empty_output(q), next = zeros(q.hidden);
  q.walk([&](int64_t d, int64_t n, int64_t t) {
    const Reals before = q.as_read(h.data() + q.state_at(d, n), q.hidden);
    for (int64_t u = 0; u < q.hidden; ++u)
      next[static_cast<size_t>(u)] = f[static_cast<size_t>(d)][0](q.clipped(gate_sum(q, d, t, n, before.data(), 0, u)));
    store(q, next, h, y, d, n, t);
  });
  assign(out, 0, q.output(y));
  assign(out, 1, q.final_state(h));
}

void gru(const Node& node, TensorsIn in, TensorsOut out) {
  const Recurrence q(node, in, 3);
  const auto f = activations(node, q, {"Sigmoid", "Tanh"});
  const bool linear_before_reset = node.attr_or("linear_before_reset", 0) != 0;
  Reals h = q.state(in, 5), y = empty_output(q), next = zeros(q.hidden), z = zeros(q.hidden), r = zeros(q.hidden), reset = zeros(q.hidden);
  q.walk([&](int64_t d, int64_t n, int64_t t) {
    const double* before = h.data() + q.state_at(d, n);
    const Reals read = q.as_read(before, q.hidden);
    const auto& act = f[static_cast<size_t>(d)];
    for (int64_t u = 0; u < q.hidden; ++u) {
      const auto at = static_cast<size_t>(u);
      z[at] = act[0](q.clipped(gate_sum(q, d, t, n, read.data(), 0, u)));
      r[at] = act[0](q.clipped(gate_sum(q, d, t, n, read.data(), 1, u)));
      reset[at] = r[at] * before[u];
    }
    const Reals reset_read = q.as_read(reset.data(), q.hidden);
    for (int64_t u = 0; u < q.hidden; ++u) {
      const auto at = static_cast<size_t>(u);
      const double recurrent = linear_before_reset ? r[at] * (q.from_state(d, read.data(), 2, u) + q.recurrent_bias(d, 2, u))
                                                   : q.from_state(d, reset_read.data(), 2, u) + q.recurrent_bias(d, 2, u);
      next[at] = (1 - z[at]) * act[1](q.clipped(q.from_input(d, t, n, 2, u) + recurrent)) + z[at] * before[u];
    }
    store(q, next, h, y, d, n, t);
  });
  assign(out, 0, q.output(y));
  assign(out, 1, q.final_state(h));
}

/// Peephole weights [dirs, 3 * hidden] in the order i, o, f; zeros where omitted.
Reals peepholes(TensorsIn in, const Recurrence& q) {
  const Tensor& given = optional_input(in, 7);
  if (!given.defined()) return zeros(q.directions * 3 * q.hidden);
  require(given.size() == q.directions * 3 * q.hidden, "P has the wrong size");
  return to_doubles(given);
}

void lstm(const Node& node, TensorsIn in, TensorsOut out) {
  const Recurrence q(node, in, 4);
  const auto f = activations(node, q, {"Sigmoid", "Tanh", "Tanh"});
  const bool couple = node.attr_or("input_forget", 0) != 0;
  const Reals p = peepholes(in, q);
  Reals h = q.state(in, 5), c = q.state(in, 6), y = empty_output(q), next = zeros(q.hidden);
  q.walk([&](int64_t d, int64_t n, int64_t t) {
    const Reals before = q.as_read(h.data() + q.state_at(d, n), q.hidden);
    double* cell = c.data() + q.state_at(d, n);
    const double* peep = p.data() + d * 3 * q.hidden;
    const auto& act = f[static_cast<size_t>(d)];
    for (int64_t u = 0; u < q.hidden; ++u) {
      const double i = act[0](q.clipped(gate_sum(q, d, t, n, before.data(), 0, u) + peep[u] * cell[u]));
      const double forget =
          couple ? 1 - i : act[0](q.clipped(gate_sum(q, d, t, n, before.data(), 2, u) + peep[2 * q.hidden + u] * cell[u]));
      const double g = act[1](q.clipped(gate_sum(q, d, t, n, before.data(), 3, u)));
      cell[u] = forget * cell[u] + i * g;
      const double o = act[0](q.clipped(gate_sum(q, d, t, n, before.data(), 1, u) + peep[q.hidden + u] * cell[u]));
      next[static_cast<size_t>(u)] = o * act[2](cell[u]);
    }
    store(q, next, h, y, d, n, t);
  });
  assign(out, 0, q.output(y));
  assign(out, 1, q.final_state(h));
  assign(out, 2, q.final_state(c));
}

/// com.microsoft.DynamicQuantizeLSTM with its weights as real numbers; input and state are quantized row by row (ONNX Runtime: all rows
/// of a step by one range). Inputs X, W, R, B, lengths, h, c, P, then scale and zero point of W and of R.
void dynamic_quantize_lstm(const Node& node, TensorsIn in, TensorsOut out) {
  std::vector<Tensor> real(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(in.size(), 8)));
  real[1] = dynamic_lstm_weights(input(in, 1), input(in, 8), optional_input(in, 9));
  real[2] = dynamic_lstm_weights(input(in, 2), input(in, 10), optional_input(in, 11));
  lstm(node, real, out);
}

TypeList infer_dynamic_quantize_lstm(const Node& node, const InferInput& in) {
  InferInput first = in;
  first.types = in.types.first(std::min<size_t>(in.types.size(), 1));
  first.constants = {};
  return infer_recurrence(node, first);
}

int64_t macs(const Node& node, std::span<const Shape> in, std::span<const Shape>) { return recurrence_macs(node, in); }

}  // namespace

extern const OpDef kRNN7{.name = "RNN", .since = 7, .infer = infer_recurrence, .eval = rnn, .macs = macs};
extern const OpDef kGRU7{.name = "GRU", .since = 7, .infer = infer_recurrence, .eval = gru, .macs = macs};
extern const OpDef kLSTM7{.name = "LSTM", .since = 7, .infer = infer_recurrence, .eval = lstm, .macs = macs};

extern const OpDef kDynamicQuantizeLSTM1{
    .name = "DynamicQuantizeLSTM", .infer = infer_dynamic_quantize_lstm, .eval = dynamic_quantize_lstm, .domain = "com.microsoft"};

}  // namespace qtool
