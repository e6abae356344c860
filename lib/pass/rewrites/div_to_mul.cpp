// div_to_mul: x / c = x * (1 / c) for a constant c, because integer kernels multiply. Not exact: the last bit may differ.
#include <cmath>

#include "pass/rewrites/channel_affine.h"
#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

Node* find_div(const Match& match) {
  for (Node* node : match.nodes)
    if (node->is("Div") && node->in(0) && !node->in(0)->constant() && node->in(1) && node->in(1)->constant()) return node;
  return nullptr;
}

std::vector<double> inverse(const Tensor& tensor) {
  std::vector<double> values = to_doubles(tensor);
  for (double& value : values) value = 1 / value;
  return values;
}

std::optional<std::string> refuse(const Match& match) {
  const Node* div = find_div(match);
  if (!div) return "";
  if (!is_floating(div->in(1)->constant()->dtype())) return "integer division";
  for (const double value : inverse(*div->in(1)->constant()))
    if (!std::isfinite(value)) return "its divisor holds a zero";
  return std::nullopt;
}

void apply(Match& match) {
  Node& div = *find_div(match);
  const Tensor divisor = *div.in(1)->constant();
  set_constant(div, 1, from_doubles(divisor.dtype(), divisor.shape(), inverse(divisor)), div.in(1)->name() + "_inverse");
  div.op = "Mul";
}

}  // namespace

extern const Rewrite k_div_to_mul{"div_to_mul", refuse, apply};

}  // namespace qtool
