// fold_bn: BatchNormalization into the Conv, ConvTranspose, Gemm or MatMul in front of it.
//
//   g * (W x + b - mean) / sqrt(variance + epsilon) + beta:   s = g / sqrt(variance + epsilon),   W' = s W,   b' = s (b - mean) + beta
#include "pass/rewrites/backward_fold.h"

namespace qtool {
namespace {

bool wanted(const Node& node) { return node.is("BatchNormalization"); }
std::optional<std::string> refuse(const Match& match) { return refuse_backward(match, wanted); }
void apply(Match& match) { apply_backward(match, wanted); }

}  // namespace

extern const Rewrite k_fold_bn{"fold_bn", refuse, apply};

}  // namespace qtool
