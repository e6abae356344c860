// Shape arithmetic: follows the elements of small integer tensors through Shape, Gather, Slice, Concat, ... Each element is a
// known number, or "dimension `axis` of value `of`".
#include <algorithm>
#include <unordered_map>

#include "ops/op_def.h"
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

constexpr int64_t kMaxElements = 64;

struct Element {
  int64_t number = -1;
  bool known = false;
  const Value* of = nullptr;  ///< where not known
  size_t axis = 0;
};

struct Elements {
  std::vector<Element> list;
  bool is_scalar = false;
};

using Known = std::unordered_map<const Value*, Elements>;

std::optional<Elements> of_tensor(const Tensor* tensor) {
  if (!tensor || tensor->rank() > 1 || tensor->size() > kMaxElements) return std::nullopt;
  if (tensor->dtype() != DType::int64 && tensor->dtype() != DType::int32) return std::nullopt;
  Elements elements{{}, tensor->rank() == 0};
  for (const int64_t number : tensor->to_ints()) elements.list.push_back({number, true});
  return elements;
}

std::optional<Elements> look_up(const Value* value, const Known& known) {
  if (!value) return std::nullopt;
  if (auto elements = of_tensor(value->constant())) return elements;
  const auto found = known.find(value);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

/// All elements as numbers; nothing when one is not known.
std::optional<std::vector<int64_t>> numbers(const std::optional<Elements>& elements) {
  if (!elements) return std::nullopt;
  std::vector<int64_t> found;
  for (const Element& element : elements->list) {
    if (!element.known) return std::nullopt;
    found.push_back(element.number);
  }
  return found;
}

int64_t clamp_bound(int64_t bound, int64_t size) { return std::clamp<int64_t>(bound < 0 ? bound + size : bound, 0, size); }

std::optional<Elements> shape(const Node& node) {
  const Value* value = node.in(0);
  if (!value || !value->type.dims) return std::nullopt;
  const auto& dims = *value->type.dims;
  const auto rank = static_cast<int64_t>(dims.size());
  const int64_t start = clamp_bound(node.attr_or("start", 0), rank), end = clamp_bound(node.attr_or("end", rank), rank);
  Elements elements;
  for (int64_t i = start; i < end; ++i) {
    const auto axis = static_cast<size_t>(i);
    elements.list.push_back({dims[axis].value, dims[axis].known(), value, axis});
  }
  return elements;
}

std::optional<Elements> gather(const Node& node, const Known& known) {
  const auto data = look_up(node.in(0), known), indices = look_up(node.in(1), known);
  const auto picked = numbers(indices);
  if (!data || data->is_scalar || !picked || node.attr_or("axis", 0) > 0) return std::nullopt;
  Elements elements{{}, indices->is_scalar};
  const auto size = static_cast<int64_t>(data->list.size());
  for (int64_t index : *picked) {
    if (index < 0) index += size;
    if (index < 0 || index >= size) return std::nullopt;
    elements.list.push_back(data->list[static_cast<size_t>(index)]);
  }
  return elements;
}

/// Slice of a vector, opset 10 form.
std::optional<Elements> slice(const Node& node, const Known& known) {
  const auto data = look_up(node.in(0), known);
  const auto starts = numbers(look_up(node.in(1), known)), ends = numbers(look_up(node.in(2), known));
  const auto steps = numbers(look_up(node.in(4), known));
  if (!data || data->is_scalar || !starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
  if (node.in(4) && (!steps || steps->size() != 1 || steps->at(0) != 1)) return std::nullopt;
  const auto size = static_cast<int64_t>(data->list.size());
  const int64_t start = clamp_bound(starts->at(0), size), end = clamp_bound(ends->at(0), size);
  Elements elements;
  for (int64_t i = start; i < end; ++i) elements.list.push_back(data->list[static_cast<size_t>(i)]);
  return elements;
}

std::optional<Elements> concat(const Node& node, const Known& known) {
  Elements elements;
  for (const Value* value : node.inputs()) {
    const auto part = look_up(value, known);
    if (!part || part->is_scalar) return std::nullopt;
    elements.list.insert(elements.list.end(), part->list.begin(), part->list.end());
  }
  if (elements.list.size() > static_cast<size_t>(kMaxElements)) return std::nullopt;
  return elements;
}

/// Same elements, scalar <-> vector of one.
std::optional<Elements> same(const Node& node, const Known& known, bool to_scalar, bool to_vector) {
  auto elements = look_up(node.in(0), known);
  if (!elements || (to_vector && !elements->is_scalar) || (to_scalar && elements->list.size() != 1)) return std::nullopt;
  elements->is_scalar = to_scalar || (elements->is_scalar && !to_vector);
  return elements;
}

std::optional<Elements> cast(const Node& node, const Known& known) {
  const int64_t to = node.attr_or("to", 0);
  const bool is_wide = to == static_cast<int64_t>(DType::int64) || to == static_cast<int64_t>(DType::int32);
  return is_wide ? same(node, known, false, false) : std::nullopt;
}

/// What the node computes, for the operators of shape arithmetic.
std::optional<Elements> elements_of(const Node& node, const Known& known) {
  if (node.is("Shape")) return shape(node);
  if (node.is("Gather")) return gather(node, known);
  if (node.is("Slice")) return slice(node, known);
  if (node.is("Concat")) return concat(node, known);
  if (node.is("Unsqueeze")) return same(node, known, false, true);
  if (node.is("Squeeze")) return same(node, known, true, false);
  if (node.is("Identity")) return same(node, known, false, false);
  if (node.is("Cast")) return cast(node, known);
  return std::nullopt;
}

/// 0 where the element is the same dimension of the Reshape's own input, told by origin or by symbol.
bool repeats_dimension(const Element& element, const Value& input, size_t axis) {
  if (element.of == &input && element.axis == axis) return true;
  if (!element.of || !input.type.dims || axis >= input.type.dims->size()) return false;
  const Dim &own = (*input.type.dims)[axis], &other = (*element.of->type.dims)[element.axis];
  return !own.symbol.empty() && own.symbol == other.symbol;
}

/// The constant shape of a Reshape whose shape is not all known; nothing when more than one dimension stays open.
std::optional<std::vector<int64_t>> reshape_target(const Node& node, const Elements& shape) {
  if (node.attr_or("allowzero", 0) != 0 || shape.is_scalar) return std::nullopt;
  std::vector<int64_t> target;
  bool inferred = false;
  for (size_t i = 0; i < shape.list.size(); ++i) {
    const Element& element = shape.list[i];
    const bool repeats = !element.known && repeats_dimension(element, *node.in(0), i);
    const int64_t number = repeats ? 0 : element.known ? element.number : -1;
    if (number == -1 && inferred) return std::nullopt;
    inferred |= number == -1;
    target.push_back(number);
  }
  return target;
}

class ShapeFolder {
 public:
  explicit ShapeFolder(PassReport& report) : report_(report) {}

  void graph(Graph& graph) {
    for (Node& node : graph.editable()) {
      if (node.is("Reshape") && node.in(1)) reshape(node);
      if (node.kind() != NodeKind::call_function || !node.domain.empty() || !node.out()) continue;
      const auto elements = elements_of(node, known_);
      if (!elements) continue;
      const auto found = numbers(elements);
      if (found && !node.out()->is_graph_output() && type_of(node) != DType::undefined)
        to_weight(node, *found, elements->is_scalar);
      else
        known_[node.out()] = *elements;
    }
  }

 private:
  /// int64, or what a Cast or the inferred type says.
  static DType type_of(const Node& node) {
    if (node.is("Shape")) return DType::int64;
    if (node.is("Cast")) return static_cast<DType>(node.attr_or("to", 0));
    const DType type = node.out()->type.dtype;
    return type == DType::int64 || type == DType::int32 ? type : DType::undefined;
  }

  void to_weight(Node& node, const std::vector<int64_t>& found, bool is_scalar) {
    report_.changed(node);
    Graph& graph = node.graph();
    const Shape shape = is_scalar ? Shape{} : Shape{static_cast<int64_t>(found.size())};
    Tensor tensor = Tensor::of<int64_t>(shape, found).cast(type_of(node));
    const std::string name = node.out()->name();
    graph.rename(*node.out(), graph.fresh_name(name + "_folded"));
    graph.replace_uses(*node.out(), *graph.add_weight(name, std::move(tensor)).out());
    graph.erase(node);
  }

  void reshape(Node& node) {
    const auto elements = look_up(node.in(1), known_);
    if (!elements || !node.in(0) || node.in(1)->constant()) return;
    const auto target = reshape_target(node, *elements);
    if (!target) return;
    report_.changed(node);
    Graph& graph = node.graph();
    Tensor tensor = Tensor::of<int64_t>({static_cast<int64_t>(target->size())}, *target);
    graph.set_input(node, 1, graph.add_weight(graph.fresh_name(node.out()->name() + "_shape"), std::move(tensor)).out());
  }

  PassReport& report_;
  Known known_;
};

}  // namespace

PassReport fold_shapes(Model& model) {
  PassReport report("fold_shapes");
  ShapeFolder folder(report);
  for_each_graph(*model.graph, [&](Graph& graph) { folder.graph(graph); });
  return report;
}

}  // namespace qtool
