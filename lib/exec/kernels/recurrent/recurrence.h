#pragma once
// What LSTM, GRU and RNN have in common: W x + bias of all steps is one matrix product; then, step by step, the cell's own
// arithmetic on the gates and R h.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/kernels/recurrent/gate_matrix.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// One direction.
struct Direction {
  GateMatrix w;                       ///< [inputs][gates hidden]
  std::vector<GateMatrix> r;          ///< R as the cell wants it, each [hidden][..]
  std::vector<float> bias;            ///< [gates hidden], added to W x
  std::vector<float> recurrent_bias;  ///< [..] as the cell wants it
  bool backwards = false;
};

/// R and the biases of one direction, as the file has them.
struct RecurrentWeights {
  const GateSource& r;   ///< [gates hidden][hidden]
  const float *wb, *rb;  ///< [gates hidden]
  int64_t hidden;

  GateMatrix matrix(int64_t first, int64_t last) const { return {r, first, last, hidden}; }
};

/// One step of a batch.
struct CellStep {
  const Direction& direction;
  int64_t batch, hidden;
  float* gates;  ///< [batch][gates hidden]: W x + bias; spent
  float *h, *c;  ///< [batch][hidden]; c is null for cells without
  float* spare;  ///< [batch][hidden]
};

/// A kind of cell: what it needs of R and B, and its arithmetic.
struct Cell {
  std::string_view name;
  int64_t gates;
  bool has_c;
  /// Fills r, bias, recurrent_bias of one direction.
  void (*pack)(const RecurrentWeights& weights, Direction& direction);
  void (*step)(const CellStep& step);
};

/// nullopt where the attribute `activations` is absent or these, one after the other for each direction.
std::optional<std::string> other_activations(const Node& node, const std::vector<std::string>& expected);

LowerResult lower_recurrence(const Cluster& cluster, const Cell& cell);

/// In place, by the fastest kernel: values = 1 / (1 + exp(-values)), and so on.
void sigmoid(float* values, int64_t count);
void tanh(float* values, int64_t count);

}  // namespace qtool::lowerings
