// GRU with its usual activations: z, r = sigmoid, g = tanh(W x + Wb + r (R h + Rb)) with linear_before_reset, else
// tanh(W x + Wb + R (r h) + Rb); h = (1 - z) g + z h. Gates lie in the order z r g.

#include "exec/kernels/lowerings.h"
#include "exec/kernels/recurrent/recurrence.h"

namespace qtool::lowerings {
namespace {

/// r: z and r together, then g.
void pack_gates(const RecurrentWeights& w, Direction& direction) {
  direction.r.push_back(w.matrix(0, 2 * w.hidden));
  direction.r.push_back(w.matrix(2 * w.hidden, 3 * w.hidden));
  for (int64_t i = 0; i < 2 * w.hidden; ++i) direction.bias.push_back(w.wb[i] + w.rb[i]);
}

void pack_reset_after(const RecurrentWeights& w, Direction& direction) {
  pack_gates(w, direction);
  direction.bias.insert(direction.bias.end(), w.wb + 2 * w.hidden, w.wb + 3 * w.hidden);
  direction.recurrent_bias.assign(w.rb + 2 * w.hidden, w.rb + 3 * w.hidden);
}

void pack_reset_before(const RecurrentWeights& w, Direction& direction) {
  pack_gates(w, direction);
  for (int64_t i = 2 * w.hidden; i < 3 * w.hidden; ++i) direction.bias.push_back(w.wb[i] + w.rb[i]);
}

void gate(const CellStep& s) {
  s.direction.r[0].add_product(s.h, s.gates, s.batch, 3 * s.hidden);
  for (int64_t n = 0; n < s.batch; ++n) sigmoid(s.gates + n * 3 * s.hidden, 2 * s.hidden);
}

void mix(const CellStep& s) {
  for (int64_t n = 0; n < s.batch; ++n) {
    float *z = s.gates + n * 3 * s.hidden, *g = z + 2 * s.hidden, *h = s.h + n * s.hidden;
    tanh(g, s.hidden);
    for (int64_t u = 0; u < s.hidden; ++u) h[u] = (1 - z[u]) * g[u] + z[u] * h[u];
  }
}

void step_reset_after(const CellStep& s) {
  for (int64_t n = 0; n < s.batch; ++n) std::copy_n(s.direction.recurrent_bias.data(), s.hidden, s.spare + n * s.hidden);
  s.direction.r[1].add_product(s.h, s.spare, s.batch, s.hidden);
  gate(s);
  for (int64_t n = 0; n < s.batch; ++n) {
    float *r = s.gates + (n * 3 + 1) * s.hidden, *g = r + s.hidden;
    for (int64_t u = 0; u < s.hidden; ++u) g[u] += r[u] * s.spare[n * s.hidden + u];
  }
  mix(s);
}

void step_reset_before(const CellStep& s) {
  gate(s);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t u = 0; u < s.hidden; ++u) s.spare[n * s.hidden + u] = s.gates[(n * 3 + 1) * s.hidden + u] * s.h[n * s.hidden + u];
  s.direction.r[1].add_product(s.spare, s.gates + 2 * s.hidden, s.batch, 3 * s.hidden);
  mix(s);
}

constexpr Cell kResetAfter{"gru", 3, false, pack_reset_after, step_reset_after};
constexpr Cell kResetBefore{"gru", 3, false, pack_reset_before, step_reset_before};

}  // namespace

LowerResult lower_gru(const Model&, const Cluster& cluster) {
  if (auto reason = other_activations(*cluster.root, {"Sigmoid", "Tanh"})) return Declined{*reason};
  return lower_recurrence(cluster, cluster.root->attr_or("linear_before_reset", 0) != 0 ? kResetAfter : kResetBefore);
}

}  // namespace qtool::lowerings
