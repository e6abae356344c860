// RNN in float: h = f(W x + Wb + R h + Rb), f tanh or ReLU.

#include <algorithm>

#include "exec/onednn/lowerings.h"
#include "exec/onednn/recurrent/recurrence.h"

namespace qtool::onednn {
namespace {

void pack(const Node&, const float* r, const float* wb, const float* rb, int64_t hidden, Direction& direction) {
  direction.r.emplace_back(r, 0, hidden, hidden);
  for (int64_t i = 0; i < hidden; ++i) direction.bias.push_back(wb[i] + rb[i]);
}

void step_tanh(const CellStep& s) {
  s.direction.r[0].add_product(s.h, s.gates, s.batch, s.hidden);
  tanh(s.gates, s.batch * s.hidden);
  std::copy_n(s.gates, s.batch * s.hidden, s.h);
}

void step_relu(const CellStep& s) {
  s.direction.r[0].add_product(s.h, s.gates, s.batch, s.hidden);
  for (int64_t i = 0; i < s.batch * s.hidden; ++i) s.h[i] = std::max(0.0f, s.gates[i]);
}

constexpr Cell kTanh{"rnn", 1, false, pack, step_tanh};
constexpr Cell kRelu{"rnn", 1, false, pack, step_relu};

}  // namespace

LowerResult lower_rnn(const Model&, const Cluster& cluster) {
  if (!other_activations(*cluster.root, {"Tanh"})) return lower_recurrence(cluster, kTanh);
  if (auto reason = other_activations(*cluster.root, {"Relu"})) return Declined{*reason};
  return lower_recurrence(cluster, kRelu);
}

}  // namespace qtool::onednn
