// fold_alpha: Gemm's factors into its constants:   alpha A B + beta C = A (alpha B) + (beta C)
#include "pass/rewrites/linear_node.h"
#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

std::optional<LinearNode> find_gemm(const Match& match) {
  for (Node* node : match.nodes)
    if (node->is("Gemm") && (node->attr_or("alpha", 1.f) != 1 || node->attr_or("beta", 1.f) != 1)) return LinearNode::of(*node);
  return std::nullopt;
}

std::optional<std::string> refuse(const Match& match) {
  const auto gemm = find_gemm(match);
  if (!gemm) return "";
  return gemm->reason().empty() ? std::nullopt : std::optional(gemm->reason());
}

void apply(Match& match) {
  const LinearNode gemm = *find_gemm(match);
  const auto channels = static_cast<size_t>(gemm.outputs().count);
  gemm.scale_outputs({std::vector<double>(channels, 1), std::vector<double>(channels, 0), {}});
}

}  // namespace

extern const Rewrite k_fold_alpha{"fold_alpha", refuse, apply};

}  // namespace qtool
