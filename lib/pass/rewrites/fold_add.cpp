// fold_add: Add or Sub of a constant into the bias of the linear operator (or BatchNormalization) in front:   W x + b + t.
// MatMul has no bias: its Add stays, and the two together are a linear layer.
#include "pass/rewrites/backward_fold.h"

namespace qtool {
namespace {

bool wanted(const Node& node) { return node.is("Add") || node.is("Sub"); }
std::optional<std::string> refuse(const Match& match) { return refuse_backward(match, wanted); }
void apply(Match& match) { apply_backward(match, wanted); }

}  // namespace

extern const Rewrite k_fold_add{"fold_add", refuse, apply};

}  // namespace qtool
