#pragma once
// One step of a graph, in torch.fx's five kinds.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/attribute.h"
#include "graph/value.h"

namespace qtool {

class Graph;

enum class NodeKind {
  placeholder,    ///< a graph input; one output. With `weight`: an initializer of the same name is its default
  get_attr,       ///< an initializer; one output
  call_function,  ///< an operator, known or not
  call_module,    ///< a call of a model-local function: fused group, observer, or a function of the file
  output,         ///< the graph's outputs are its inputs; always last
};
std::string_view name_of(NodeKind kind);  ///< "call_function", ...

/// Nodes live in a Graph, at a stable address. Inputs and outputs are changed through Graph alone, which keeps uses true.
class Node {
 public:
  NodeKind kind() const { return kind_; }
  Graph& graph() const { return *graph_; }

  std::string name;    ///< ONNX node name, may be empty in the file; `path()` never is
  std::string domain;  ///< "" is ai.onnx
  std::string op;      ///< operator or function name; empty for placeholder, get_attr, output
  std::string overload;
  std::vector<Attribute> attributes;
  std::optional<SealedTensor> weight;  ///< get_attr and defaulted placeholders; undefined tensor: sparse or unreadable, in sealed
  Sealed sealed;                       ///< NodeProto / ValueInfoProto without our fields

  /// "ai.onnx.Conv", "com.microsoft.Gelu": the FX target.
  std::string target() const;
  /// An operator of the default domain called `operator_name`.
  bool is(std::string_view operator_name) const;
  bool is_call() const { return kind_ == NodeKind::call_function || kind_ == NodeKind::call_module; }

  size_t input_count() const { return inputs_.size(); }
  /// Input i; null when omitted ("" in the file) or beyond the end.
  Value* in(size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  const std::vector<Value*>& inputs() const { return inputs_; }
  size_t output_count() const { return outputs_.size(); }
  /// Output i; null when omitted or beyond the end.
  Value* out(size_t i = 0) const { return i < outputs_.size() ? outputs_[i].get() : nullptr; }
  const std::vector<std::unique_ptr<Value>>& outputs() const { return outputs_; }

  const Attribute* attribute(std::string_view attribute_name) const;
  void set_attribute(std::string attribute_name, AttributeValue value);
  void remove_attribute(std::string_view attribute_name);
  /// Typed reads; `fallback` when absent, Error(invalid_file) naming node and attribute when of another kind.
  int64_t attr_or(std::string_view name, int64_t fallback) const;
  int64_t attr_or(std::string_view name, int fallback) const { return attr_or(name, static_cast<int64_t>(fallback)); }
  float attr_or(std::string_view name, float fallback) const;
  std::string attr_or(std::string_view name, const char* fallback) const;
  std::vector<int64_t> attr_or(std::string_view name, const std::vector<int64_t>& fallback) const;
  std::vector<float> attr_or(std::string_view name, const std::vector<float>& fallback) const;
  const Tensor* tensor_attr(std::string_view name) const;  ///< null when absent
  const std::string* string_attr(std::string_view name) const;

  /// The bodies of If, Loop, Scan, with the attribute that holds each, in attribute order.
  struct Body {
    std::string_view attribute;
    Graph* graph;
  };
  std::vector<Body> bodies() const;
  /// Values of enclosing graphs that the bodies use, each once, in order of first use.
  std::vector<Value*> captures() const;

  /// Unique, readable address of this node in its model: "/If_0/then_branch/conv1". Unnamed nodes use "OP_firstOutputName".
  std::string path() const;

 private:
  friend class Graph;
  NodeKind kind_ = NodeKind::call_function;
  Graph* graph_ = nullptr;
  std::vector<Value*> inputs_;
  std::vector<std::unique_ptr<Value>> outputs_;
  std::list<std::unique_ptr<Node>>::iterator position_;
};

}  // namespace qtool
