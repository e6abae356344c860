#include "graph/value.h"

#include "graph/graph.h"

namespace qtool {

std::optional<Shape> ValueType::shape() const {
  if (!dims) return std::nullopt;
  Shape shape;
  for (const Dim& dim : *dims) {
    if (!dim.known()) return std::nullopt;
    shape.push_back(dim.value);
  }
  return shape;
}

ValueType ValueType::of(DType dtype, const Shape& shape) {
  std::vector<Dim> dims;
  for (const int64_t size : shape) dims.push_back({size, {}});
  return {dtype, std::move(dims)};
}

bool Value::is_graph_output() const {
  for (const Use& use : uses_)
    if (use.node->kind() == NodeKind::output) return true;
  return false;
}

const Tensor* Value::constant() const {
  const bool fixed = producer_->kind() == NodeKind::get_attr && producer_->weight && producer_->weight->tensor.defined();
  return fixed ? &producer_->weight->tensor : nullptr;
}

std::string Value::path() const {
  const Node* owner = producer_->graph().owner();
  if (!owner) return name_;
  for (const Node::Body& body : owner->bodies())
    if (body.graph == &producer_->graph())
      return owner->path() + "/" + std::string(body.attribute) + (name_.starts_with("/") ? "" : "/") + name_;
  return name_;
}

}  // namespace qtool
