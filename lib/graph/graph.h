#pragma once
// A list of nodes in topological order: placeholders first, output last. Main graph, body of If/Loop/Scan, or body of a
// local function.

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/node.h"

namespace qtool {

/// Names taken in a model's graphs (all bodies together), so that fresh ones are unique everywhere. ONNX lets disjoint bodies
/// repeat a name, hence counts.
class NameTable {
 public:
  void take(const std::string& name) { ++counts_[name]; }
  void release(const std::string& name);
  bool taken(const std::string& name) const { return counts_.count(name) != 0; }
  /// `base` itself when free, else base_1, base_2, ...
  std::string fresh(const std::string& base) const;

 private:
  std::unordered_map<std::string, int> counts_;
};

class Graph {
 public:
  Graph() : names_(std::make_shared<NameTable>()) {}
  /// A body below `owner`, sharing its names.
  explicit Graph(Node& owner);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  std::string name;
  Sealed sealed;                          ///< GraphProto without nodes, inputs, initializers; value_info stays inside
  std::vector<Sealed> output_sealed;      ///< ValueInfoProto of each output, parallel to the inputs of output()
  Node* owner() const { return owner_; }  ///< the node whose attribute this body is; null otherwise

  // --- reading ---
  using NodeList = std::list<std::unique_ptr<Node>>;
  /// All nodes in order. `for (Node& node : graph.nodes())` must not erase the node it stands on; see editable().
  class Range;
  Range nodes() const;
  /// Safe while walking: the current node may be erased, nodes may be inserted anywhere (those before are not visited).
  class EditRange;
  EditRange editable();
  size_t node_count() const { return nodes_.size(); }
  Node& output() const { return *output_; }
  std::vector<Node*> placeholders() const;
  /// Value of this graph by name; null when there is none (enclosing graphs are not searched).
  Value* find(const std::string& value_name) const;
  /// As find, then in the enclosing graphs.
  Value* find_in_scope(const std::string& value_name) const;
  NameTable& names() const { return *names_; }
  std::string fresh_name(const std::string& base) const { return names_->fresh(base); }

  // --- editing; every primitive keeps uses, names and order bookkeeping true. `before` null: before the output node. ---
  Node& add_placeholder(const std::string& value_name, ValueType type, bool with_default = false);
  Node& add_weight(const std::string& value_name, Tensor tensor);
  /// A call with the given output names ("" = omitted output).
  Node& add_call(NodeKind kind, const std::string& domain, const std::string& op, const std::vector<Value*>& inputs,
                 const std::vector<std::string>& outputs, Node* before = nullptr);
  /// Shorthand: one operator of the default domain with one output.
  Value& call(const std::string& op, const std::vector<Value*>& inputs, const std::string& output, Node* before = nullptr);
  void set_input(Node& node, size_t i, Value* value);  ///< i may be one past the end or more: the gap is omitted inputs
  void add_input(Node& node, Value* value);
  void drop_inputs_from(Node& node, size_t first);
  void set_outputs_of_graph(const std::vector<Value*>& values);
  /// Every use of `from` (in bodies too, and as graph output) becomes a use of `to`, except by `except`.
  void replace_uses(Value& from, Value& to, const Node* except = nullptr);
  void replace_use(const Use& use, Value& to);
  /// Removes a node whose outputs are unused; Error(bug) otherwise.
  void erase(Node& node);
  void rename(Value& value, const std::string& value_name);
  void move_before(Node& node, Node& before);
  /// Where a call that uses `value` may be inserted first: behind its producer, and behind all placeholders and weights.
  Node& place_after(const Value& value) const;
  /// Orders nodes by their inputs, stable; Error(invalid_file) naming a node on a cycle.
  void sort_topologically();

  /// Copies a call node (attributes, bodies, seals) with other inputs and output names.
  Node& clone(const Node& node, const std::vector<Value*>& inputs, const std::vector<std::string>& outputs, Node* before = nullptr);
  /// Copies the whole graph as a body of `owner` (or a free graph); outer values map through `outer` (identity if absent).
  std::unique_ptr<Graph> copy(Node* owner, const std::function<Value*(Value*)>& outer) const;

 private:
  friend class Node;
  Node& insert(std::unique_ptr<Node> node, Node* before);
  Value& add_output(Node& node, const std::string& value_name);
  void detach_inputs(Node& node);
  void copy_bodies(Node& target, const Node& source, const std::function<Value*(Value*)>& map);

  std::shared_ptr<NameTable> names_;
  Node* owner_ = nullptr;
  NodeList nodes_;
  Node* output_ = nullptr;
  Node* last_input_ = nullptr;
  std::unordered_map<std::string, Value*> values_;
};

class Graph::Range {
 public:
  explicit Range(const NodeList& list) : list_(list) {}
  struct Iterator {
    NodeList::const_iterator at;
    Node& operator*() const { return **at; }
    Iterator& operator++() {
      ++at;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at != other.at; }
  };
  Iterator begin() const { return {list_.begin()}; }
  Iterator end() const { return {list_.end()}; }

 private:
  const NodeList& list_;
};

class Graph::EditRange {
 public:
  explicit EditRange(NodeList& list) : list_(list) {}
  struct Iterator {
    NodeList::iterator at, next;
    NodeList* list;
    Node& operator*() const { return **at; }
    Iterator& operator++() {
      at = next;
      if (next != list->end()) ++next;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at != other.at; }
  };
  Iterator begin() { return {list_.begin(), list_.empty() ? list_.end() : std::next(list_.begin()), &list_}; }
  Iterator end() { return {list_.end(), list_.end(), &list_}; }

 private:
  NodeList& list_;
};

inline Graph::Range Graph::nodes() const { return Range(nodes_); }
inline Graph::EditRange Graph::editable() { return EditRange(nodes_); }

/// Calls body(graph) for `graph` and every body below it, outermost first.
void for_each_graph(Graph& graph, const std::function<void(Graph&)>& body);

}  // namespace qtool
