#pragma once
// Which calls could be quantized: pattern of the backend, rule of the qconfig, constraints, types. One call at a time; what its
// neighbours do is decide()'s business.

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/pattern.h"
#include "quantize/quant_plan.h"

namespace qtool {

struct DecideOptions {
  std::unordered_map<std::string, std::string> unquantizable;  ///< tensor path -> reason ("its observer saw nothing")
  std::string all_float = {};                                  ///< why nothing is to be quantized; empty: there is no such reason
};

/// Backend patterns with their expressions parsed once.
class PatternTable {
 public:
  explicit PatternTable(const BackendConfig& backend);
  /// The row that covers this call: by name for a fused group, by matching for a single operator; null when none. `accepts`: rows
  /// that count at all; empty: every one.
  const BackendPattern* row_of(const Model& model, Node& call, const std::function<bool(const BackendPattern&)>& accepts = {}) const;

 private:
  struct Row {
    const BackendPattern* row;
    std::vector<Pattern> expressions;
  };
  std::vector<Row> rows_;
};

/// All calls with a float output in execution order (bodies where their owner stands), each with its reasons to stay float.
std::vector<NodeDecision> find_candidates(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend,
                                          const DecideOptions& options);

/// A fused group seen through its body: which operator stands for it, and which call input feeds which of its inputs. A single operator
/// stands for itself.
struct SeenThrough {
  const Node* root = nullptr;
  std::vector<std::optional<size_t>> call_input;  ///< of each root input
};
SeenThrough see_through(const Model& model, const Node& call, const BackendPattern& row);

/// The qconfig's choice for a call: by its path, its group's name, the row's module, its root's operator.
QConfigChoice choose_rule(const QConfigMapping& qconfig, const Node& call, const Node& root, const BackendPattern& row);

/// Notes that the rules which name this call are met by a node, although it stays float whatever they say.
void note_rules(const QConfigMapping& qconfig, const Node& call);

/// The rule of one tensor as read by `reader` at `input` (null: by its own name alone).
std::optional<QConfigChoice> choose_tensor_rule(const QConfigMapping& qconfig, const Value& value, const Node* reader, size_t input);

/// A tensor rule for the weight at this call input changes the decision's qconfig, or leaves the call float with the reason.
void apply_weight_rule(const QConfigMapping& qconfig, size_t call_input, NodeDecision& decision);

/// What a tensor that is coded is quantized with: its own rule's activation, else the qconfig of the call that decides about it.
struct TensorSpec {
  const ObserverSpec* spec;  ///< null: it stays float
  std::string rule;
};
TensorSpec tensor_spec(const QConfigMapping& qconfig, const Value& value, const NodeDecision& owner);

/// Module aliases of configs/modules.json in the form the matcher takes.
ModuleAliases module_aliases();

/// "ConvRelu" for a call of qtool.fused.ConvRelu_7; "" for anything else.
std::string fused_module_of(const Node& call);

}  // namespace qtool
