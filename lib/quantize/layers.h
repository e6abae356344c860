#pragma once
// Layers whose weights may be codes while their activations are float: which inputs the weights are, and along which axes.

#include <cstddef>
#include <string>
#include <vector>

#include "graph/node.h"
#include "tensor/tensor.h"

namespace qtool {

/// A weight of a layer. Axes are of the weight, never negative.
struct LayerWeight {
  size_t input = 0;  ///< of the operator
  int channel_axis = 0;
  int group_axis = 0;  ///< along which sums run (products) or a row lies (tables)
};

/// Linear layers (MatMul, Gemm), recurrences (LSTM, GRU, RNN), embeddings (Gather).
bool is_linear(const Node& node);
bool is_recurrent(const Node& node);
bool is_embedding(const Node& node);

/// Inputs of `node` that hold its weights: 1 of a linear layer, 1 and 2 of a recurrence, 0 of an embedding; none of anything else.
std::vector<size_t> weight_inputs(const Node& node);

/// Axes of the weight at `input`, of the given rank:
///   MatMul [.., k, n]                  channels n, groups along k
///   Gemm [k, n], transB [n, k]         the same
///   LSTM, GRU, RNN [dirs, gates, in]   channels gates, groups along in
///   Gather [.., rows, .., width]       channels rows, groups along the last axis
LayerWeight axes_of(const Node& node, size_t input, size_t rank);

}  // namespace qtool
