#pragma once
// A skeleton ready to run: the plans of both its models, step by step alike, and the nodes a report speaks of.

#include <memory>
#include <string>
#include <vector>

#include "debug/skeleton.h"
#include "exec/plan/plan_graph.h"
#include "observe/range.h"

namespace qtool::debug {

/// One operator with what was fused to it, or a tensor quantized without one (a graph input).
struct NetworkNode {
  std::string name;               ///< what a qconfig calls it: path in the fused float model
  std::string int8_name;          ///< of the operator in the skeleton
  std::string op;                 ///< "Conv"; "Input" for a quantized graph input, "QuantizeLinear" for one between two operators
  size_t step = 0;                ///< of the plans; for nodes without an operator the site's own
  int site = -1;                  ///< rounds its output; -1: nobody does
  size_t site_step = 0;           ///< where that happens
  std::vector<size_t> constants;  ///< of the skeleton, that it reads
  std::vector<std::string> inputs, outputs;  ///< activations, by their float names
  bool inherits = false;                     ///< moves elements of tensors quantized alike: rounding its output changes nothing
  bool has_operator = true;
  bool quantized() const { return site >= 0 || !constants.empty(); }
};

class Network {
 public:
  /// Throws Error(unsupported) where both models are not cut alike.
  Network(Skeleton skeleton, const FloatSide& side, const std::string& engine);

  const Skeleton& skeleton() const { return skeleton_; }
  const Model& model() const { return rounded_model_; }
  const PlanGraph& exact() const { return *exact_; }      ///< weights of FLOAT
  const PlanGraph& rounded() const { return *rounded_; }  ///< weights of INT8
  const std::vector<NetworkNode>& nodes() const { return nodes_; }
  /// What the readers of a site's tensor can tell apart (useful.h), by number.
  const std::vector<Range>& useful() const { return useful_; }
  int node_at(size_t step) const { return node_at_[step]; }  ///< the node that begins or is rounded at this step; -1: none
  const Site& site_of(const Node& observer) const;
  int site_number(const Node& observer) const;

 private:
  void find_useful();
  Skeleton skeleton_;
  Model exact_model_, rounded_model_;
  PlanIndex exact_index_, rounded_index_;
  std::unique_ptr<PlanGraph> exact_, rounded_;
  std::vector<NetworkNode> nodes_;
  std::vector<int> node_at_;
  std::vector<Range> useful_;
};

}  // namespace qtool::debug
