// fold_mul: Mul or Div by a constant into the linear operator (or BatchNormalization) in front:   s * (W x + b) = (s W) x + s b
#include "pass/rewrites/backward_fold.h"

namespace qtool {
namespace {

bool wanted(const Node& node) { return node.is("Mul") || node.is("Div"); }
std::optional<std::string> refuse(const Match& match) { return refuse_backward(match, wanted); }
void apply(Match& match) { apply_backward(match, wanted); }

}  // namespace

extern const Rewrite k_fold_mul{"fold_mul", refuse, apply};

}  // namespace qtool
