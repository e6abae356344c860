#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace qtool {

class Node;
class Graph;
class Tensor;

/// One dimension: known (value >= 0), named (symbol), or neither.
struct Dim {
  int64_t value = -1;
  std::string symbol;
  bool known() const { return value >= 0; }
  bool operator==(const Dim&) const = default;
};

/// What is known of a tensor before it is computed. No dims: rank unknown.
struct ValueType {
  DType dtype = DType::undefined;
  std::optional<std::vector<Dim>> dims;
  bool operator==(const ValueType&) const = default;
  /// All dimensions known -> Shape.
  std::optional<Shape> shape() const;
  static ValueType of(DType dtype, const Shape& shape);
};

struct Use {
  Node* node;
  size_t input;
  bool operator==(const Use&) const = default;
};

/// A tensor in a graph: made by one node, used by many (also by nodes in bodies below: captures).
class Value {
 public:
  const std::string& name() const { return name_; }
  Node& producer() const { return *producer_; }
  size_t index() const { return index_; }  ///< which output of the producer
  const std::vector<Use>& uses() const { return uses_; }
  bool unused() const { return uses_.empty(); }
  bool is_graph_output() const;  ///< used by an output node
  /// The constant this value is (get_attr without being a graph input), or null.
  const Tensor* constant() const;
  /// "/If_0/then_branch/x"; plain name in the main graph.
  std::string path() const;

  ValueType type;

 private:
  friend class Graph;
  friend class Node;
  std::string name_;
  Node* producer_ = nullptr;
  size_t index_ = 0;
  std::vector<Use> uses_;
};

}  // namespace qtool
