#pragma once
// The state of cutting one graph: which nodes and which uses of DequantizeLinear are taken already.

#include <unordered_map>
#include <unordered_set>

#include "exec/cluster.h"
#include "ops/op_def.h"

namespace qtool {

/// A cluster while it grows: `y` is the value it ends with so far.
struct Draft {
  Cluster cluster;
  Value* y = nullptr;
};

class ClusterBuilder {
 public:
  ClusterBuilder(const Model& model, const Graph& graph);
  std::vector<Cluster> build();

 private:
  // forming.cpp: one row of the table each; nothing where the row does not apply
  Draft form(Node& node) const;
  std::optional<Draft> form_compute(Node& node, const QuantTraits& traits) const;
  std::optional<Draft> form_product_of_codes(Node& node) const;
  std::optional<Draft> form_unary(Node& node) const;
  std::optional<Draft> form_arithmetic(Node& node) const;
  std::optional<Draft> form_pass_through(Node& node, const QuantTraits& traits) const;
  /// DQ on every input of `data_inputs`, Q behind.
  std::optional<Draft> form_between(ClusterKind kind, Node& node, uint32_t data_inputs) const;
  /// As form_between on the first input; floats in where it is not quantized.
  std::optional<Draft> form_before_quantize(ClusterKind kind, Node& node) const;
  Draft form_alone(Node& node) const;
  Draft form_conversion(Node& node) const;

  // extending.cpp: what follows the root
  void extend_float(Draft& draft) const;
  void extend_integer(Draft& draft) const;
  bool add_activation(Draft& draft) const;
  bool add_binary(Draft& draft, bool quantized) const;
  bool requantize(Draft& draft) const;
  bool end_in_quantize(Draft& draft) const;

  /// The one node that uses `value`, when it is free, in this graph, and `value` is no graph output.
  Node* sole_user(const Value& value) const;
  /// As sole_user, when that is a per-tensor Q.
  Node* sole_quantize(const Value& value) const;

  void take(Draft draft);
  void take_dequantize(const Value& real, Cluster& cluster);
  void take_left_over();

  const Model& model_;
  const Graph& graph_;
  std::vector<Cluster> clusters_;
  std::unordered_map<const Node*, size_t> position_;
  std::unordered_map<const Node*, size_t> uses_as_codes_;  ///< of each DequantizeLinear
  std::unordered_set<const Node*> taken_;
};

}  // namespace qtool
