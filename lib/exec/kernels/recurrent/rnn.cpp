// RNN: h = f(W x + Wb + R h + Rb), f tanh or ReLU.

#include <algorithm>

#include "exec/kernels/lowerings.h"
#include "exec/kernels/recurrent/recurrence.h"

namespace qtool::lowerings {
namespace {

void pack(const RecurrentWeights& w, Direction& direction) {
  direction.r.push_back(w.matrix(0, w.hidden));
  for (int64_t i = 0; i < w.hidden; ++i) direction.bias.push_back(w.wb[i] + w.rb[i]);
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

}  // namespace qtool::lowerings
