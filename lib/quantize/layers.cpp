#include "quantize/layers.h"

#include <algorithm>

namespace qtool {

bool is_linear(const Node& node) { return node.is("MatMul") || node.is("Gemm"); }
bool is_recurrent(const Node& node) { return node.is("LSTM") || node.is("GRU") || node.is("RNN"); }
bool is_embedding(const Node& node) { return node.is("Gather"); }

std::vector<size_t> weight_inputs(const Node& node) {
  if (is_linear(node)) return {1};
  if (is_recurrent(node)) return {1, 2};
  if (is_embedding(node)) return {0};
  return {};
}

LayerWeight axes_of(const Node& node, size_t input, size_t rank) {
  const int last = static_cast<int>(rank) - 1, before_last = std::max(last - 1, 0);
  if (is_recurrent(node) || (node.is("Gemm") && node.attr_or("transB", 0) != 0)) return {input, before_last, last};
  if (is_linear(node)) return {input, last, before_last};
  const auto axis = static_cast<int>(node.attr_or("axis", int64_t{0}));
  return {input, axis < 0 ? axis + last + 1 : axis, last};
}

}  // namespace qtool
