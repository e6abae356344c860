#pragma once
#include <map>
#include <string>
#include <tuple>

#include "graph/model.h"
#include "tensor/quant_math.h"

namespace qtool {

/// Makes Q and DQ nodes with their scale and zero point. Equal parameters of tensors (pass-through, shared scales) are one pair
/// of initializers, all in the main graph: bodies capture them.
class QdqNodes {
 public:
  explicit QdqNodes(Graph& main);
  /// NAME_q behind `value` in its graph.
  Value& quantize(Value& value, const std::string& name, const QuantParams& params);
  /// DQ of `codes` in `graph`: called `name` when `takes_name`, else NAME_dq.
  Value& dequantize(Graph& graph, Value& codes, const std::string& name, bool takes_name, const QuantParams& params);
  /// Initializer `codes` (int8, uint8, int32) called NAME_q, with its DQ called NAME behind it.
  Value& constant(const std::string& name, Tensor codes, const QuantParams& params);

 private:
  struct Pair {
    Value *scale, *zero_point;
  };
  Pair parameters(const std::string& name, const QuantParams& params);
  std::string free(const std::string& name) const { return main_.fresh_name(name); }
  /// Nodes have names of their own, which some runtimes want unique.
  void name_node(Node& node, const std::string& name);

  Graph& main_;
  NameTable node_names_;
  using Key = std::tuple<DType, int, std::vector<float>, std::vector<int32_t>>;
  std::map<Key, Pair> made_;
};

}  // namespace qtool
