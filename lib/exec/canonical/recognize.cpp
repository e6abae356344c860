#include "exec/canonical/recognize.h"

#include "exec/canonical/block_product.h"
#include "exec/canonical/channel_shuffle.h"
#include "exec/canonical/dynamic_lstm.h"
#include "exec/canonical/integer_product.h"
#include "exec/canonical/layer_norm.h"
#include "exec/canonical/packed_recurrence.h"
#include "exec/canonical/packed_table.h"
#include "ops/op_def.h"
#include "pass/fuse.h"
#include "pass/tidy.h"

namespace qtool {
namespace {

/// Pattern, replacement, and the opset that has the replacement's operator.
struct Recognized {
  const char *pattern, *replacement;
  int64_t opset;
};

constexpr Recognized kTable[] = {
    {"Div(Mul(?x, Clip(Add(?x, 3), 0, 6)), 6)", "HardSwish(?x)", 14},
    {"Mul(?x, Div(Clip(Add(?x, 3), 0, 6), 6))", "HardSwish(?x)", 14},
    {"Mul(Div(?x, 6), Clip(Add(?x, 3), 0, 6))", "HardSwish(?x)", 14},
    {"Mul(Mul(?x, Clip(Add(?x, 3), 0, 6)), 0.16666667)", "HardSwish(?x)", 14},
    {"Mul(?x, Mul(Clip(Add(?x, 3), 0, 6), 0.16666667))", "HardSwish(?x)", 14},
    {"Mul(?x, HardSigmoid(?x, @alpha=0.16666667, @beta=0.5))", "HardSwish(?x)", 14},
    {"Mul(Mul(?x, Add(Erf(Div(?x, 1.4142135)), 1)), 0.5)", "Gelu(?x)", 20},
    {"Mul(Mul(?x, 0.5), Add(Erf(Div(?x, 1.4142135)), 1))", "Gelu(?x)", 20},
    {"Mul(?x, Mul(Add(Erf(Div(?x, 1.4142135)), 1), 0.5))", "Gelu(?x)", 20},
    {"Mul(Mul(?x, Add(Erf(Mul(?x, 0.70710678)), 1)), 0.5)", "Gelu(?x)", 20},
    {"Mul(Mul(?x, 0.5), Add(Erf(Mul(?x, 0.70710678)), 1))", "Gelu(?x)", 20},
    {"Mul(?x, Mul(Add(Erf(Mul(?x, 0.70710678)), 1), 0.5))", "Gelu(?x)", 20},
    {"Mul(?x, Tanh(Softplus(?x)))", "Mish(?x)", 18},
    {"Mul(?x, Sigmoid(?x))", "Swish(?x)", 24},
};

bool occurs(const Model& model, const Pattern& pattern) {
  bool found = false;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.nodes())
      if (!found && node.is_call()) found = match(pattern, node).has_value();
  });
  return found;
}

/// True when the model has the opset afterwards.
bool lifted_to(Model& model, int64_t opset) {
  if (model.opset() >= opset) return true;
  Model candidate = copy(model);
  try {
    lift(candidate, opset);
    tidy(candidate);
    infer_types(candidate);
  } catch (const Error&) {
    return false;
  }
  model = std::move(candidate);
  return true;
}

}  // namespace

void recognize_operators(Model& model) {
  for (const Recognized& row : kTable) {
    const Pattern pattern = Pattern::parse(row.pattern);
    if (occurs(model, pattern) && lifted_to(model, row.opset)) replace_pattern(model, pattern, row.replacement);
  }
  join_integer_products(model);
  join_block_products(model);
  gather_from_packed_tables(model);
  pack_recurrences(model);
  unquantize_dynamic_lstms(model);
  if (has_layer_norm(model) && lifted_to(model, 17)) join_layer_norms(model);
  join_channel_shuffles(model);
}

}  // namespace qtool
