#pragma once
// Holds an engine against the reference, cluster by cluster: each lowered cluster gets the reference's own inputs, so an error of
// one cluster does not hide or excuse that of another (SPEC 8).

#include <span>
#include <string>
#include <vector>

#include "exec/plan.h"

namespace qtool {

struct ClusterAgreement {
  std::string name;      ///< path of the cluster's root
  std::string text;      ///< as to_text(cluster), one line
  std::string kernel;    ///< what ran; empty: declined
  std::string declined;  ///< why, when declined
  bool quantized = false;
  int64_t elements = 0;
  /// Quantized outputs: codes that differ, and the largest difference in steps of the output's scale, or of the inner Q's where
  /// the cluster holds one and that is larger. Other outputs: elements off by more than 1e-4 of the largest magnitude.
  int64_t differing = 0;
  double worst_steps = 0;
  double worst_error = 0;  ///< |found - expected| / max|expected|, of real values
  double share() const { return elements ? static_cast<double>(differing) / static_cast<double>(elements) : 0; }
  /// At most one step on at most 0.1 % of the codes (one element where there are fewer than a thousand); floats within 1e-4.
  bool within_bound() const;
};

/// One entry a cluster of the model's canonical form that ran (bodies too; of a loop the last iteration). Null engines
/// ("reference") give an empty list.
std::vector<ClusterAgreement> compare_clusters(const Model& model, const std::string& engine, std::span<const Tensor> inputs);

}  // namespace qtool
