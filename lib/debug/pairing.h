#pragma once
// Which node of the float model a node of the int8 model stands for: by name, then by position in the graph.

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/model.h"

namespace qtool::debug {

struct Pairing {
  std::unordered_map<const Node*, const Node*> nodes;  ///< int8 -> float
  std::vector<std::string> int8_alone, float_alone;    ///< paths of computing nodes without a partner
  size_t by_name = 0, by_position = 0;
};

/// `int8` without Q/DQ (skeleton.h), `flat` the float model of float_side.h. A pair has one operator; it is found by the names of the
/// outputs, then by the node's name, then by counting: the k-th Conv left is the k-th Conv left where the weights have the same shapes.
Pairing pair_nodes(const Model& int8, const Model& flat);

/// `name`, then what is left of it without the endings quantizers give names ("x_raw", "x_DequantizeLinear_Output", "dq_output_x_1").
std::vector<std::string> float_names(const std::string& name);

/// The names of a float model's tensors.
class FloatNames {
 public:
  void add(const Model& flat);
  /// The first that the float model has, else the first of float_names(each) that it has, else the first of all.
  std::string resolve(const std::vector<std::string>& names) const;

 private:
  std::unordered_set<std::string> names_;
};

}  // namespace qtool::debug
