#include "graph/graph.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace qtool {

void NameTable::release(const std::string& name) {
  const auto found = counts_.find(name);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

std::string NameTable::fresh(const std::string& base) const {
  if (!base.empty() && !taken(base)) return base;
  for (int i = 1;; ++i) {
    std::string candidate = base + "_" + std::to_string(i);
    if (!taken(candidate)) return candidate;
  }
}

Graph::Graph(Node& owner) : names_(owner.graph().names_), owner_(&owner) {}

// Uses are cleared first, whatever the order: values of this graph and of the enclosing ones keep no dangling use.
// All of this graph's first: then taking one use out of a list of very many is never needed.
Graph::~Graph() {
  for (const auto& node : nodes_)
    for (const auto& value : node->outputs_)
      if (value) value->uses_.clear();
  for (const auto& node : nodes_) {
    node->attributes.clear();
    detach_inputs(*node);
    for (const auto& value : node->outputs_)
      if (value) names_->release(value->name_);
  }
  nodes_.clear();
}

std::vector<Node*> Graph::placeholders() const {
  std::vector<Node*> found;
  for (Node& node : nodes())
    if (node.kind() == NodeKind::placeholder) found.push_back(&node);
  return found;
}

Value* Graph::find(const std::string& value_name) const {
  const auto found = values_.find(value_name);
  return found == values_.end() ? nullptr : found->second;
}

Value* Graph::find_in_scope(const std::string& value_name) const {
  for (const Graph* graph = this; graph; graph = graph->owner_ ? &graph->owner_->graph() : nullptr)
    if (Value* found = graph->find(value_name)) return found;
  return nullptr;
}

Node& Graph::insert(std::unique_ptr<Node> node, Node* before) {
  node->graph_ = this;
  NodeList::iterator at = before ? before->position_ : output_ ? output_->position_ : nodes_.end();
  const auto position = nodes_.insert(at, std::move(node));
  (*position)->position_ = position;
  return **position;
}

Value& Graph::add_output(Node& node, const std::string& value_name) {
  auto value = std::make_unique<Value>();
  value->name_ = value_name;
  value->producer_ = &node;
  value->index_ = node.outputs_.size();
  if (!values_.emplace(value_name, value.get()).second) throw invalid_file("value \"" + value_name + "\" is defined twice in one graph");
  names_->take(value_name);
  node.outputs_.push_back(std::move(value));
  return *node.outputs_.back();
}

Node& Graph::add_placeholder(const std::string& value_name, ValueType type, bool with_default) {
  auto owned = std::make_unique<Node>();
  owned->kind_ = NodeKind::placeholder;
  owned->name = value_name;
  Node* after = last_input_;
  Node* before = nullptr;
  if (after) {
    const auto next = std::next(after->position_);
    before = next == nodes_.end() ? nullptr : next->get();
  } else if (!nodes_.empty()) {
    before = nodes_.front().get();
  }
  Node& node = insert(std::move(owned), before);
  last_input_ = &node;
  if (with_default) node.weight.emplace();
  add_output(node, value_name).type = std::move(type);
  return node;
}

Node& Graph::add_weight(const std::string& value_name, Tensor tensor) {
  auto owned = std::make_unique<Node>();
  owned->kind_ = NodeKind::get_attr;
  owned->name = value_name;
  // behind the last weight at the head of the list, so that weights stay before what uses them
  const auto at_head = [](const auto& other) { return other->kind() == NodeKind::placeholder || other->kind() == NodeKind::get_attr; };
  auto at = !nodes_.empty() && at_head(nodes_.back()) ? nodes_.end() : nodes_.begin();
  while (at != nodes_.end() && at_head(*at)) ++at;
  Node& node = insert(std::move(owned), at == nodes_.end() ? nullptr : at->get());
  Value& value = add_output(node, value_name);
  if (tensor.defined()) value.type = ValueType::of(tensor.dtype(), tensor.shape());
  node.weight = SealedTensor{std::move(tensor), nullptr, TensorStorage::raw};
  return node;
}

Node& Graph::add_call(NodeKind kind, const std::string& domain, const std::string& op, const std::vector<Value*>& inputs,
                      const std::vector<std::string>& outputs, Node* before) {
  auto owned = std::make_unique<Node>();
  owned->kind_ = kind;
  owned->domain = domain;
  owned->op = op;
  Node& node = insert(std::move(owned), before);
  for (Value* value : inputs) add_input(node, value);
  for (const std::string& output : outputs) {
    if (output.empty())
      node.outputs_.push_back(nullptr);
    else
      add_output(node, output);
  }
  return node;
}

Value& Graph::call(const std::string& op, const std::vector<Value*>& inputs, const std::string& output, Node* before) {
  return *add_call(NodeKind::call_function, "", op, inputs, {output}, before).out(0);
}

void Graph::set_input(Node& node, size_t i, Value* value) {
  while (node.inputs_.size() <= i) node.inputs_.push_back(nullptr);
  if (Value* old = node.inputs_[i]) std::erase(old->uses_, Use{&node, i});
  node.inputs_[i] = value;
  if (value) value->uses_.push_back({&node, i});
}

void Graph::add_input(Node& node, Value* value) {
  node.inputs_.push_back(nullptr);
  set_input(node, node.inputs_.size() - 1, value);
}

void Graph::drop_inputs_from(Node& node, size_t first) {
  for (size_t i = first; i < node.inputs_.size(); ++i) set_input(node, i, nullptr);
  if (first < node.inputs_.size()) node.inputs_.resize(first);
}

void Graph::detach_inputs(Node& node) { drop_inputs_from(node, 0); }

void Graph::set_outputs_of_graph(const std::vector<Value*>& values) {
  if (!output_) {
    auto owned = std::make_unique<Node>();
    owned->kind_ = NodeKind::output;
    owned->name = "output";
    output_ = &insert(std::move(owned), nullptr);
  }
  drop_inputs_from(*output_, 0);
  for (Value* value : values) add_input(*output_, value);
}

void Graph::replace_use(const Use& use, Value& to) { set_input(*use.node, use.input, &to); }

void Graph::replace_uses(Value& from, Value& to, const Node* except) {
  const std::vector<Use> uses = from.uses_;
  for (const Use& use : uses)
    if (use.node != except) replace_use(use, to);
}

void Graph::erase(Node& node) {
  for (const auto& value : node.outputs_)
    if (value && !value->uses_.empty()) throw bug("erase of \"" + node.path() + "\": output " + value->name_ + " is used");
  if (node.kind_ == NodeKind::output) throw bug("erase of an output node");
  node.attributes.clear();
  detach_inputs(node);
  for (const auto& value : node.outputs_) {
    if (!value) continue;
    values_.erase(value->name_);
    names_->release(value->name_);
  }
  if (&node == last_input_) {
    last_input_ = nullptr;
    for (Node* input : placeholders())
      if (input != &node) last_input_ = input;
  }
  nodes_.erase(node.position_);
}

void Graph::rename(Value& value, const std::string& value_name) {
  if (value.name_ == value_name) return;
  if (!values_.emplace(value_name, &value).second) throw bug("rename: \"" + value_name + "\" is taken");
  values_.erase(value.name_);
  names_->release(value.name_);
  names_->take(value_name);
  value.name_ = value_name;
}

void Graph::move_before(Node& node, Node& before) { nodes_.splice(before.position_, nodes_, node.position_); }

Node& Graph::place_after(const Value& value) const {
  auto at = std::next(NodeList::const_iterator(value.producer().position_));
  while ((*at)->kind() == NodeKind::placeholder || (*at)->kind() == NodeKind::get_attr) ++at;
  return **at;
}

namespace {

/// Nodes of `graph` that `node` (its bodies included) needs.
std::vector<Node*> needs(const Node& node, const Graph& graph) {
  std::vector<Node*> found;
  auto add = [&](const Value* value) {
    if (value && &value->producer().graph() == &graph) found.push_back(&value->producer());
  };
  for (const Value* value : node.inputs()) add(value);
  for (const Value* value : node.captures()) add(value);
  return found;
}

}  // namespace

void Graph::sort_topologically() {
  std::unordered_set<const Node*> placed;
  std::vector<Node*> stack, order;
  std::unordered_set<const Node*> open;
  for (Node& start : nodes()) {
    stack.push_back(&start);
    while (!stack.empty()) {
      Node* node = stack.back();
      if (placed.count(node)) {
        stack.pop_back();
        continue;
      }
      open.insert(node);
      const size_t depth = stack.size();
      for (Node* need : needs(*node, *this)) {
        if (placed.count(need)) continue;
        if (open.count(need)) throw invalid_file("node \"" + need->path() + "\" lies on a cycle");
        stack.push_back(need);
      }
      if (stack.size() != depth) continue;
      stack.pop_back();
      open.erase(node);
      placed.insert(node);
      order.push_back(node);
    }
  }
  for (Node* node : order) nodes_.splice(nodes_.end(), nodes_, node->position_);
  if (output_) nodes_.splice(nodes_.end(), nodes_, output_->position_);
}

void for_each_graph(Graph& graph, const std::function<void(Graph&)>& body) {
  body(graph);
  for (Node& node : graph.nodes())
    for (const Node::Body& below : node.bodies()) for_each_graph(*below.graph, body);
}

}  // namespace qtool
