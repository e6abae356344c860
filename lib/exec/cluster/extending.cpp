// Extending: what may follow the root of a cluster, as long as nobody else sees the values between.

#include <algorithm>

#include "exec/cluster/builder.h"
#include "exec/cluster/element_wise.h"
#include "exec/cluster/quantized.h"

namespace qtool {
namespace {

bool has_residual(const Cluster& cluster) {
  return std::any_of(cluster.post_ops.begin(), cluster.post_ops.end(),
                     [](const PostOp& post) { return post.operand.value && !post.operand.constant(); });
}

Value* other_input(const Node& binary, const Value& y) {
  if (binary.input_count() != 2 || !binary.in(0) || !binary.in(1)) return nullptr;
  return binary.in(0) == &y ? binary.in(1) : binary.in(0);
}

/// At most one dimension other than 1: a bias, factors of channels. Larger tables (position embeddings) make products slow.
bool is_vector(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t dim) { return dim != 1; }) <= 1;
}

void grow(Draft& draft, PostOp post) {
  draft.cluster.nodes.push_back(post.node);
  draft.y = post.node->out(0);
  draft.cluster.post_ops.push_back(std::move(post));
}

}  // namespace

void ClusterBuilder::extend_float(Draft& draft) const {
  while (add_activation(draft) || add_binary(draft, false)) {
  }
}

// Conv .. -> Q ends the cluster, unless the codes go through one DQ into an Add or activations that end in a Q again.
void ClusterBuilder::extend_integer(Draft& draft) const {
  while (add_activation(draft) || add_binary(draft, true)) {
  }
  Draft longer = draft;
  if (requantize(longer)) {
    bool grown = add_binary(longer, true) && !longer.cluster.post_ops.back().operand.constant();
    while (add_activation(longer)) grown = true;
    if (grown && end_in_quantize(longer)) {
      draft = std::move(longer);
      return;
    }
  }
  end_in_quantize(draft);
}

bool ClusterBuilder::add_activation(Draft& draft) const {
  Node* next = sole_user(*draft.y);
  if (!next) return false;
  const auto data = unary_data_input(model_, *next);
  if (!data || next->in(*data) != draft.y) return false;
  grow(draft, {.kind = PostOp::Kind::activation, .node = next, .params = {}, .operand = {}});
  return true;
}

// At most one operand that is no constant; an integer cluster takes no float one, and a float cluster no codes.
bool ClusterBuilder::add_binary(Draft& draft, bool quantized) const {
  Node* next = sole_user(*draft.y);
  if (!next || !(next->is("Add") || next->is("Mul"))) return false;
  Value* other = other_input(*next, *draft.y);
  if (!other || !may_be_float32(*other) || !broadcasts_into(*other, *draft.y)) return false;
  Operand operand{other, std::nullopt};
  if (quantized)
    if (auto codes = tensor_codes_behind(other)) operand = std::move(*codes);
  if (operand.constant() && !is_vector(operand.value->constant()->shape())) return false;
  if (!operand.constant()) {
    const bool wanted = next->is("Add") && operand.quantized() == quantized && !has_residual(draft.cluster);
    if (!wanted) return false;
  }
  grow(draft, {.kind = next->is("Add") ? PostOp::Kind::add : PostOp::Kind::mul, .node = next, .params = {}, .operand = std::move(operand)});
  return true;
}

bool ClusterBuilder::requantize(Draft& draft) const {
  Node* quantize = sole_quantize(*draft.y);
  Node* dequantize = quantize && quantize->out(0) ? sole_user(*quantize->out(0)) : nullptr;
  if (!dequantize || !is_dequantize(*dequantize) || params_of(*dequantize) != params_of(*quantize)) return false;
  draft.cluster.post_ops.push_back({.kind = PostOp::Kind::requantize, .node = nullptr, .params = params_of(*quantize), .operand = {}});
  draft.cluster.nodes.insert(draft.cluster.nodes.end(), {quantize, dequantize});
  draft.y = dequantize->out(0);
  return true;
}

bool ClusterBuilder::end_in_quantize(Draft& draft) const {
  Node* quantize = sole_quantize(*draft.y);
  if (!quantize || !quantize->out(0)) return false;
  draft.cluster.nodes.push_back(quantize);
  draft.cluster.outputs = {{quantize->out(0), params_of(*quantize)}};
  return true;
}

}  // namespace qtool
