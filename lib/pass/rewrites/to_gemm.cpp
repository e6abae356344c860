// to_gemm: a matrix product and its bias as one operator, where x is a matrix:   x W + b = Gemm(x, W, b)
// Runtimes make a Gemm of the pair anyway; written as one, its bias can be int32 and it stays in int8 without a Q behind it.
#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

struct Pair {
  Node* matmul;
  Node* add;
  size_t bias;  ///< which input of add
};

std::optional<Pair> find_pair(const Match& match) {
  for (Node* node : match.nodes) {
    if (!node->is("Add") || node->input_count() != 2) continue;
    for (const size_t i : {0, 1}) {
      const Value *product = node->in(i), *bias = node->in(1 - i);
      if (product && bias && bias->constant() && product->producer().is("MatMul") && contains(match, product->producer()))
        return Pair{&product->producer(), node, 1 - i};
    }
  }
  return std::nullopt;
}

bool is_matrix(const Value* value) { return value && value->type.dims && value->type.dims->size() == 2; }

std::optional<std::string> refuse(const Match& match) {
  const auto pair = find_pair(match);
  if (!pair || !is_matrix(pair->matmul->in(0)) || !pair->matmul->in(1) || !pair->matmul->in(1)->constant()) return "";
  const Tensor &weight = *pair->matmul->in(1)->constant(), &bias = *pair->add->in(pair->bias)->constant();
  if (weight.rank() != 2 || weight.dtype() != DType::float32 || bias.dtype() != DType::float32) return "";
  if (bias.rank() == 0 || bias.rank() > 2 || bias.shape().back() != weight.shape()[1] || bias.size() != weight.shape()[1]) return "";
  return std::nullopt;
}

void apply(Match& match) {
  const Pair pair = *find_pair(match);
  Value& bias = *pair.add->in(pair.bias);
  pair.matmul->op = "Gemm";
  if (bias.constant()->rank() == 1)
    pair.matmul->graph().set_input(*pair.matmul, 2, &bias);
  else
    set_constant(*pair.matmul, 2, bias.constant()->reshaped({bias.constant()->size()}), bias.name() + "_row");
  absorb(match, *pair.add, *pair.matmul->out(0));
}

}  // namespace

extern const Rewrite k_to_gemm{"to_gemm", refuse, apply};

}  // namespace qtool
