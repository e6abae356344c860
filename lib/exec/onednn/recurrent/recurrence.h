#pragma once
// What LSTM, GRU and RNN have in common: W x + bias of all steps is one matrix product; then, step by step, the cell's own
// arithmetic on the gates and R h.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/lowering.h"

namespace qtool::onednn {

/// A constant matrix [k][n] of gate weights.
class GateMatrix {
 public:
  GateMatrix() = default;
  /// Rows [first, last) of `weights` [rows][k], as columns.
  GateMatrix(const float* weights, int64_t first, int64_t last, int64_t k);
  /// out[row][0..n) += in[row][0..k) * matrix, rows of `out` `stride` apart.
  void add_product(const float* in, float* out, int64_t rows, int64_t stride) const;
  int64_t columns() const { return n_; }

 private:
  int64_t k_ = 0, n_ = 0;
  std::vector<float> values_;
};

/// One direction.
struct Direction {
  GateMatrix w;                       ///< [inputs][gates hidden]
  std::vector<GateMatrix> r;          ///< R as the cell wants it, each [hidden][..]
  std::vector<float> bias;            ///< [gates hidden], added to W x
  std::vector<float> recurrent_bias;  ///< [..] as the cell wants it
  bool backwards = false;
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
  /// Fills r, bias, recurrent_bias of one direction; r [gates hidden][hidden], wb and rb [gates hidden].
  void (*pack)(const Node& node, const float* r, const float* wb, const float* rb, int64_t hidden, Direction& direction);
  void (*step)(const CellStep& step);
};

/// nullopt where the attribute `activations` is absent or these, one after the other for each direction.
std::optional<std::string> other_activations(const Node& node, const std::vector<std::string>& expected);

LowerResult lower_recurrence(const Cluster& cluster, const Cell& cell);

/// In place, by the fastest kernel: values = 1 / (1 + exp(-values)), and so on.
void sigmoid(float* values, int64_t count);
void tanh(float* values, int64_t count);

}  // namespace qtool::onednn
