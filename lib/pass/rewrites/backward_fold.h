#pragma once
// What fold_bn, fold_mul and fold_add share: an affine node behind a linear one goes into its weight and bias.
//
//   s * (W x + b) + t = (s W) x + (s b + t)        s, t: one value an output channel
//
// Between the two may stand: an Add of a constant (folded with it), and, when s is one number and t is 0, operators that only move
// elements, and MatMul of two activations (the factor goes into its first operand). MatMul has no bias: a shift stays as one Add.

#include "pass/rewrites/rewrite.h"

namespace qtool {

/// `wanted(node)`: the affine node looked for; the first of the match that has a linear node of the match in front of it.
std::optional<std::string> refuse_backward(const Match& match, bool (*wanted)(const Node&));
void apply_backward(Match& match, bool (*wanted)(const Node&));

}  // namespace qtool
