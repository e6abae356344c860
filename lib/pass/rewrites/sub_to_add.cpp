// sub_to_add: x - c = x + (-c) for a constant c, because integer kernels add.
#include "pass/rewrites/channel_affine.h"
#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

Node* find_sub(const Match& match) {
  for (Node* node : match.nodes)
    if (node->is("Sub") && node->in(0) && !node->in(0)->constant() && node->in(1) && node->in(1)->constant()) return node;
  return nullptr;
}

std::optional<std::string> refuse(const Match& match) {
  const Node* sub = find_sub(match);
  if (!sub) return "";
  return is_floating(sub->in(1)->constant()->dtype()) ? std::nullopt : std::optional<std::string>("integer subtraction");
}

void apply(Match& match) {
  Node& sub = *find_sub(match);
  const Tensor subtrahend = *sub.in(1)->constant();
  std::vector<double> values = to_doubles(subtrahend);
  for (double& value : values) value = -value;
  set_constant(sub, 1, from_doubles(subtrahend.dtype(), subtrahend.shape(), values), sub.in(1)->name() + "_negative");
  sub.op = "Add";
}

}  // namespace

extern const Rewrite k_sub_to_add{"sub_to_add", refuse, apply};

}  // namespace qtool
