// Initializers that are graph inputs too: defaults a caller may change (IR 4 and up). Frozen, they are weights.
#include "pass/tidy.h"

namespace qtool {

PassReport freeze_defaults(Model& model) {
  PassReport report("freeze_defaults");
  Graph& graph = *model.graph;
  for (Node* input : graph.placeholders()) {
    if (!input->weight || !input->weight->tensor.defined()) continue;
    report.changed(*input);
    const std::string name = input->out()->name();
    graph.rename(*input->out(), graph.fresh_name(name + "_input"));
    Node& weight = graph.add_weight(name, input->weight->tensor);
    weight.weight = std::move(input->weight);
    graph.replace_uses(*input->out(), *weight.out());
    graph.erase(*input);
  }
  return report;
}

}  // namespace qtool
