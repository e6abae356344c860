#include "quantize/to_dynamic.h"

#include <nlohmann/json.hpp>

#include "quantize/dynamic_linear.h"
#include "quantize/dynamic_recurrent.h"
#include "quantize/layers.h"
#include "quantize/to_qdq.h"

namespace qtool {
namespace {

/// Operators of fused groups are other nodes once the groups are inlined: a mark says which is whose.
constexpr const char* kMark = "qtool_decision";

/// Roots that are rewritten in place of their weights: products, and LSTM with the operators of ONNX Runtime.
bool replaced(const Node& root, Dialect dialect) { return is_linear(root) || (dialect == Dialect::ort && !not_ort_lstm(root)); }

class DynamicWriter {
 public:
  DynamicWriter(Model& model, const QuantPlan& plan, const Placement& placement, Dialect dialect)
      : model_(model),
        plan_(plan),
        placement_(placement),
        dialect_(dialect),
        weights_(*model.graph, placement),
        linear_(weights_, model.opset()) {}

  void run() {
    for (size_t i = 0; i < plan_.nodes.size(); ++i)
      if (plan_.nodes[i].quantized) mark(const_cast<Node&>(*plan_.nodes[i].root), i);
    for (const StoredTable& table : plan_.tables)
      if (!replaced(*plan_.decision_of(*table.call)->root, dialect_)) weights_.store(table);
    dissolve_groups(model_);
    visit(*model_.graph);
    drop_unused_weights(*model_.graph);
    if (!told_.empty()) model_.set_metadata(kDynamicKey, told_.dump());
  }

 private:
  void mark(Node& root, size_t decision) {
    qconfigs_[decision] = *plan_.nodes[decision].qconfig;
    root.set_attribute(kMark, static_cast<int64_t>(decision));
  }

  void visit(Graph& graph) {
    for (Node& node : graph.editable()) {
      for (const Node::Body& body : node.bodies()) visit(*body.graph);
      const auto decision = node.is_call() ? node.attr_or(kMark, int64_t{-1}) : -1;
      if (decision < 0) continue;
      node.remove_attribute(kMark);
      rewrite(node, qconfigs_.at(static_cast<size_t>(decision)));
    }
  }

  void rewrite(Node& node, const QConfig& qconfig) {
    if (is_linear(node)) return linear_.rewrite(node, qconfig);
    if (replaced(node, dialect_)) return to_ort_lstm(model_, node, qconfig.weight, placement_);
    if (node.name.empty()) node.name = node.path();
    told_[node.name] = {{"activation", "uint8"}};
  }

  Model& model_;
  const QuantPlan& plan_;
  const Placement& placement_;
  const Dialect dialect_;
  StoredWeights weights_;
  DynamicLinear linear_;
  std::map<size_t, QConfig> qconfigs_;
  nlohmann::ordered_json told_ = nlohmann::ordered_json::object();
};

}  // namespace

void to_dynamic(Model& model, const QuantPlan& plan, const Placement& placement, Dialect dialect) {
  DynamicWriter(model, plan, placement, dialect).run();
}

}  // namespace qtool
