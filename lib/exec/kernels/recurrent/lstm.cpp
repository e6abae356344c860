// LSTM with its usual activations: i, o, f = sigmoid, g = tanh, c = f c + i g, h = o tanh(c). Gates lie in the order i o f g.

#include "exec/kernels/lowerings.h"
#include "exec/kernels/recurrent/recurrence.h"

namespace qtool::lowerings {
namespace {

void pack(const RecurrentWeights& w, Direction& direction) {
  direction.r.push_back(w.matrix(0, 4 * w.hidden));
  for (int64_t i = 0; i < 4 * w.hidden; ++i) direction.bias.push_back(w.wb[i] + w.rb[i]);
}

void advance(int64_t hidden, float* gates, float* h, float* c, float* spare) {
  sigmoid(gates, 3 * hidden);
  tanh(gates + 3 * hidden, hidden);
  const float *i = gates, *o = gates + hidden, *f = gates + 2 * hidden, *g = gates + 3 * hidden;
  for (int64_t u = 0; u < hidden; ++u) spare[u] = c[u] = f[u] * c[u] + i[u] * g[u];
  tanh(spare, hidden);
  for (int64_t u = 0; u < hidden; ++u) h[u] = o[u] * spare[u];
}

void step(const CellStep& s) {
  s.direction.r[0].add_product(s.h, s.gates, s.batch, 4 * s.hidden);
  for (int64_t n = 0; n < s.batch; ++n) advance(s.hidden, s.gates + n * 4 * s.hidden, s.h + n * s.hidden, s.c + n * s.hidden, s.spare);
}

constexpr Cell kLstm{"lstm", 4, true, pack, step};

}  // namespace

LowerResult lower_lstm(const Model&, const Cluster& cluster) {
  if (auto reason = other_activations(*cluster.root, {"Sigmoid", "Tanh", "Tanh"})) return Declined{*reason};
  return lower_recurrence(cluster, kLstm);
}

}  // namespace qtool::lowerings
