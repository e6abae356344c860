#pragma once
// Holds an engine against the reference, cluster by cluster: every lowered cluster is fed with the reference's values.

#include <span>
#include <string>
#include <vector>

#include "exec/cluster.h"
#include "graph/model.h"

namespace qtool::testing {

struct ClusterCheck {
  std::string name, op, kernel;  ///< kernel empty: declined, for `reason`
  ClusterKind kind;
  std::string reason;
  int64_t elements = 0, differing = 0;
  double worst = 0;  ///< codes: steps (of the inner Q where larger); floats: error relative to the largest value
  double us = 0;     ///< best of a few runs
  bool int8_in = false;
};

/// The engines that lower clusters, by name.
std::vector<std::string> engines();

/// `inputs`: one a placeholder. `repeats`: timed runs of each cluster.
std::vector<ClusterCheck> check_engine(const std::string& engine, const Model& model, std::span<const Tensor> inputs, int repeats = 1);

/// Random inputs for the placeholders, of shape `size` (empty: unknown dimensions 1) where their own is not known.
std::vector<Tensor> random_inputs(const Model& model, const Shape& size = {}, float span = 1);

/// The check of the cluster rooted at the last node called `op`.
ClusterCheck check_of(const std::vector<ClusterCheck>& checks, const std::string& op);

/// SPEC 8: at most one step on at most 0.1 % of the elements; floats within 1e-5 of the largest.
bool agrees(const ClusterCheck& check);
/// The same, or a cluster that the engine for ARM leaves to eval: pools of floats or of three dimensions, LRN of floats.
bool agrees_or_left(const std::string& engine, const ClusterCheck& check);
std::string to_text(const ClusterCheck& check);

}  // namespace qtool::testing
