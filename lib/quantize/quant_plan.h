#pragma once
// What will be quantized and how: a value computed by decide(), read by insert_observers(), choose_qparams(), to_qdq() and
// printed by --explain. It edits nothing. Nodes and values point into the model it was made for.

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/backend.h"
#include "config/qconfig.h"
#include "graph/model.h"
#include "ops/op_def.h"
#include "quantize/mode.h"

namespace qtool {

/// A constant input of a quantized call.
struct WeightInput {
  size_t input = 0;
  int axis = -1;  ///< per-channel axis of the weight; -1 per tensor
};

/// One call (operator or fused group) and what becomes of it.
struct NodeDecision {
  Node* call = nullptr;
  const Node* root = nullptr;  ///< the operator that stands for a fused group; the call itself otherwise
  QuantTraits::Kind role = QuantTraits::Kind::float_only;
  bool quantized = false;
  bool eligible = false;             ///< backend, qconfig and its own inputs allow int8; what its neighbours do is another matter
  bool float_output = false;         ///< the backend wants codes on its inputs alone
  bool breaks_constraint = false;    ///< the qconfig asks for what the backend's dtype configs do not allow
  std::vector<std::string> reasons;  ///< why float; empty when quantized
  std::string pattern;               ///< of the backend, as written; empty: none matched
  std::string rule;                  ///< of the qconfig: `global`, `module_name "/head"`
  const QConfig* qconfig = nullptr;
  std::shared_ptr<const QConfig> own;  ///< holds `qconfig` where a tensor rule changed it for this call
  std::vector<size_t> data;            ///< call inputs that arrive as codes
  std::vector<size_t> constants;       ///< constant call inputs quantized like an activation (second operand of Add)
  std::optional<WeightInput> weight;
  std::optional<size_t> bias;  ///< call input that becomes int32
  /// The backend's scale_max_upper_bound, held against the scales of the calibrated model.
  struct MostScales {
    std::optional<double> input, output, weight;
  } most_scales;
};

/// One tensor that is quantized; tensors without an entry stay float.
struct TensorDecision {
  enum class Kind {
    observed,  ///< has an observer of its own
    shared,    ///< takes the parameters of its group
    fixed,     ///< parameters known beforehand
  };
  Kind kind = Kind::observed;
  size_t group = 0;  ///< tensors of one group have identical parameters
  ObserverSpec spec;
  std::optional<QuantParams> fixed;
  std::string rule;
};

/// A table of numbers (an embedding, positions that are added) read by a call that stays float: kept as codes behind a DQ, which
/// makes the file smaller and the arithmetic no faster.
struct StoredTable {
  Node* call = nullptr;
  size_t input = 0;
  int axis = -1;  ///< per-channel axis; -1 per tensor
  ObserverSpec spec;
  std::string rule;
  int group_axis = -1;  ///< along which groups lie, where the spec has a group size
};

struct QuantPlan {
  Mode mode = Mode::static_range;
  std::vector<NodeDecision> nodes;  ///< every call with a float output, in execution order, bodies included
  std::unordered_map<const Value*, TensorDecision> tensors;
  std::vector<Value*> order;  ///< the keys of `tensors` in execution order
  std::vector<StoredTable> tables;
  const NodeDecision* decision_of(const Node& call) const;
  bool quantizes_anything() const;

 private:
  mutable std::unordered_map<const Node*, size_t> index_;
};

/// `--explain` as lines: "TENSOR  observed by histogram uint8 (global)" and "NODE  float because ...".
std::string explain_text(const QuantPlan& plan);
std::string explain_json(const QuantPlan& plan);

}  // namespace qtool
