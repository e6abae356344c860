// Types of a whole model: every node's infer in order, small constants computed on the way, bodies under their node.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "ops/helpers/infer.h"
#include "ops/helpers/shape_slice.h"
#include "ops/op_def.h"

namespace qtool {
namespace {

constexpr int64_t kFoldedBytes = 1024;  // shape arithmetic, not weights
constexpr int kLoopRounds = 4;

Dim merged(const Dim& declared, const Dim& inferred) {
  if (inferred.known()) return inferred;
  return declared.known() || !declared.symbol.empty() ? declared : inferred;
}

/// Each part from where it is known; where both know and differ, what was inferred.
ValueType merged(const ValueType& declared, const ValueType& inferred) {
  ValueType type = inferred;
  if (type.dtype == DType::undefined) type.dtype = declared.dtype;
  if (!type.dims) type.dims = declared.dims;
  if (type.dims && declared.dims && type.dims->size() == declared.dims->size())
    for (size_t d = 0; d < type.dims->size(); ++d) (*type.dims)[d] = merged((*declared.dims)[d], (*type.dims)[d]);
  return type;
}

/// What holds of both.
ValueType joined(const ValueType& a, const ValueType& b) {
  ValueType type{a.dtype == b.dtype ? a.dtype : DType::undefined, {}};
  if (!a.dims || !b.dims || a.dims->size() != b.dims->size()) return type;
  type.dims = a.dims;
  for (size_t d = 0; d < a.dims->size(); ++d)
    if ((*a.dims)[d] != (*b.dims)[d]) (*type.dims)[d] = {};
  return type;
}

bool is_small(const Tensor& tensor) { return tensor.dtype() != DType::string && static_cast<int64_t>(tensor.byte_size()) <= kFoldedBytes; }

bool will_be_small(const ValueType& type) {
  const auto shape = type.shape();
  if (!shape || element_size(type.dtype) == 0) return false;
  return element_count(*shape) <= kFoldedBytes / static_cast<int64_t>(element_size(type.dtype));
}

bool refers_to_function_attribute(const Node& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const Attribute& a) { return !a.reference.empty(); });
}

class Inference {
 public:
  explicit Inference(Model& model) : model_(model) {}

  void run(Graph& graph) {
    for (Node& node : graph.nodes()) {
      try {
        visit(node);
      } catch (Error& error) {  // not with_frame: the path is costly to spell out for every node
        error.prepend("node \"" + node.path() + "\" (" + node.op + ")");
        throw;
      }
    }
  }

 private:
  void visit(Node& node) {
    switch (node.kind()) {
      case NodeKind::get_attr:
        return weight(node);
      case NodeKind::call_function:
        return call(node);
      case NodeKind::call_module:
        return module(node);
      case NodeKind::placeholder:
      case NodeKind::output:
        return;
    }
  }

  void weight(Node& node) {
    if (!node.weight || !node.weight->tensor.defined()) return;
    const Tensor& tensor = node.weight->tensor;
    node.out(0)->type = ValueType::of(tensor.dtype(), tensor.shape());
    constants_[node.out(0)] = tensor;
  }

  void call(Node& node) {
    if (node.domain.empty() && node.op == "If") return if_node(node);
    if (node.domain.empty() && node.op == "Loop") return loop(node);
    if (node.domain.empty() && node.op == "Scan") return scan(node);
    for (const Node::Body& body : node.bodies()) run(*body.graph);
    const OpDef* row = find_op(model_, node);
    if (!row || refers_to_function_attribute(node)) return forget_constants(node);
    infer(node, *row);
  }

  void infer(Node& node, const OpDef& row) {
    std::vector<ValueType> types;
    std::vector<const Tensor*> constants;
    for (const Value* value : node.inputs()) {
      types.push_back(value ? value->type : ValueType{});
      constants.push_back(value ? constant(*value) : nullptr);
    }
    forget_constants(node);
    tolerating([&] {
      set_types(node, row.infer(node, {types, constants, model_.opset(node.domain)}));
      fold(node, row, constants);
    });
  }

  /// What we do not support leaves values unknown; so does a mistake in a branch that may never be taken.
  template <class Body>
  void tolerating(Body&& body) {
    try {
      body();
    } catch (const Error& error) {
      if (error.code() != ExitCode::unsupported && branches_ == 0) throw;
    }
  }

  void set_types(Node& node, const std::vector<ValueType>& types) {
    for (size_t i = 0; i < node.output_count() && i < types.size(); ++i)
      if (Value* value = node.out(i)) value->type = merged(declared(*value), types[i]);
  }

  /// Computes the node when all its inputs are known and small, and its outputs will be. Shape needs only a type.
  void fold(Node& node, const OpDef& row, const std::vector<const Tensor*>& constants) {
    if (node.is("Shape")) {
      if (const auto shape = node.in(0) ? node.in(0)->type.shape() : std::nullopt) constants_[node.out(0)] = shape_slice(node, *shape);
      return;
    }
    if (!row.eval || !is_foldable(node, constants)) return;
    std::vector<Tensor> in(constants.size()), out(node.output_count());
    for (size_t i = 0; i < constants.size(); ++i)
      if (constants[i]) in[i] = *constants[i];
    row.eval(node, in, out);
    for (size_t i = 0; i < out.size(); ++i)
      if (node.out(i) && out[i].defined()) constants_[node.out(i)] = out[i];
  }

  static bool is_foldable(const Node& node, const std::vector<const Tensor*>& constants) {
    if (node.is("Constant")) return true;
    for (size_t i = 0; i < constants.size(); ++i)
      if (node.in(i) && (!constants[i] || !is_small(*constants[i]))) return false;
    return std::all_of(node.outputs().begin(), node.outputs().end(), [](const auto& v) { return !v || will_be_small(v->type); });
  }

  const Tensor* constant(const Value& value) const {
    const auto found = constants_.find(&value);
    return found == constants_.end() ? nullptr : &found->second;
  }

  void forget_constants(const Node& node) {
    for (const auto& value : node.outputs()) constants_.erase(value.get());
  }

  /// What the file says of a value, before anything was inferred.
  const ValueType& declared(const Value& value) { return declared_.emplace(&value, value.type).first->second; }

  // ---- bodies ----

  /// Runs a body anew with these types of its placeholders.
  void run_body(Graph& body, const std::vector<ValueType>& inputs) {
    size_t next = 0;
    for (Node* placeholder : body.placeholders()) {
      Value& value = *placeholder->out(0);
      const ValueType stated = declared(value);
      value.type = next < inputs.size() ? merged(stated, inputs[next++]) : stated;
    }
    for (Node& node : body.nodes())
      if (node.is_call())
        for (const auto& value : node.outputs())
          if (value) value->type = declared(*value);
    run(body);
  }

  static std::vector<ValueType> results(const Graph& body) {
    std::vector<ValueType> types;
    for (const Value* value : body.output().inputs()) types.push_back(value ? value->type : ValueType{});
    return types;
  }

  void if_node(Node& node) {
    std::vector<ValueType> types;
    for (const Node::Body& body : node.bodies()) {
      ++branches_;
      run_body(*body.graph, {});
      --branches_;
      const std::vector<ValueType> branch = results(*body.graph);
      if (types.empty()) types = branch;
      for (size_t i = 0; i < types.size() && i < branch.size(); ++i) types[i] = joined(types[i], branch[i]);
    }
    set_types(node, types);
  }

  static ValueType type_or_unknown(const Value* value) { return value ? value->type : ValueType{}; }

  /// Carried values: joined with what the body gives until nothing changes.
  std::vector<ValueType> settle(Graph& body, std::vector<ValueType> inputs, size_t first, size_t carried, size_t first_result) {
    std::vector<ValueType> found;
    for (int round = 0; round < kLoopRounds; ++round) {
      run_body(body, inputs);
      found = results(body);
      const std::vector<ValueType> before = inputs;
      for (size_t i = 0; i < carried && first_result + i < found.size(); ++i) {
        ValueType& type = inputs[first + i];
        type = joined(type, found[first_result + i]);
        if (round + 2 >= kLoopRounds && type != before[first + i]) type.dims.reset();
      }
      if (inputs == before) break;
    }
    return found;
  }

  void loop(Node& node) {
    if (node.bodies().empty()) throw invalid_file("a Loop without body");
    const size_t carried = node.input_count() > 2 ? node.input_count() - 2 : 0;
    std::vector<ValueType> inputs{ValueType::of(DType::int64, {}), ValueType::of(DType::boolean, {})};
    for (size_t i = 0; i < carried; ++i) inputs.push_back(type_or_unknown(node.in(2 + i)));
    std::vector<ValueType> types = settle(*node.bodies()[0].graph, inputs, 2, carried, 1);
    if (!types.empty()) types.erase(types.begin());  // the condition
    for (size_t i = carried; i < types.size(); ++i)
      if (types[i].dims) types[i].dims->insert(types[i].dims->begin(), Dim{});
    set_types(node, types);
  }

  static std::vector<int64_t> axes(const Node& node, const char* name, size_t count) {
    std::vector<int64_t> list = node.attr_or(name, std::vector<int64_t>{});
    list.resize(std::max(count, list.size()), 0);
    return list;
  }

  void scan(Node& node) {
    if (node.bodies().empty()) throw invalid_file("a Scan without body");
    Graph& body = *node.bodies()[0].graph;
    if (model_.opset() < 9) return run_body(body, {});  // with a batch dimension: left as declared
    const auto scanned =
        static_cast<size_t>(std::clamp<int64_t>(node.attr_or("num_scan_inputs", 0), 0, static_cast<int64_t>(node.input_count())));
    const size_t states = node.input_count() - scanned;
    const std::vector<int64_t> in_axes = axes(node, "scan_input_axes", scanned);
    std::vector<ValueType> inputs;
    Dim length;
    for (size_t i = 0; i < node.input_count(); ++i) {
      inputs.push_back(type_or_unknown(node.in(i)));
      if (i < states || !inputs[i].dims) continue;
      const auto axis = normalize_axis(in_axes[i - states], inputs[i].dims->size());
      length = (*inputs[i].dims)[static_cast<size_t>(axis)];
      inputs[i].dims->erase(inputs[i].dims->begin() + axis);
    }
    std::vector<ValueType> types = settle(body, inputs, 0, states, 0);
    const std::vector<int64_t> out_axes = axes(node, "scan_output_axes", types.size());
    for (size_t i = states; i < types.size(); ++i) {
      if (!types[i].dims) continue;
      const auto axis = normalize_axis(out_axes[i - states], types[i].dims->size() + 1);
      types[i].dims->insert(types[i].dims->begin() + axis, length);
    }
    set_types(node, types);
  }

  /// A local function: its body with this call's types; several calls leave there what holds for all.
  void module(Node& node) {
    Function& function = model_.function_of(node);
    if (!active_.insert(&function).second) throw invalid_file("function " + function.name + " calls itself");
    std::unordered_map<const Value*, ValueType> before;
    const bool again = !seen_.insert(&function).second;
    if (again) each_value(*function.body, [&](Value& value) { before[&value] = value.type; });
    std::vector<ValueType> inputs;
    for (const Value* value : node.inputs()) inputs.push_back(type_or_unknown(value));
    run_body(*function.body, inputs);
    set_types(node, results(*function.body));
    if (again) each_value(*function.body, [&](Value& value) { value.type = joined(value.type, before[&value]); });
    active_.erase(&function);
  }

  template <class Body>
  static void each_value(Graph& graph, Body&& body) {
    for_each_graph(graph, [&](Graph& below) {
      for (Node& node : below.nodes())
        for (const auto& value : node.outputs())
          if (value) body(*value);
    });
  }

  Model& model_;
  std::unordered_map<const Value*, Tensor> constants_;
  std::unordered_map<const Value*, ValueType> declared_;
  std::set<const Function*> seen_, active_;
  int branches_ = 0;  // bodies of If around the node
};

}  // namespace

void infer_types(Model& model) { Inference(model).run(*model.graph); }

}  // namespace qtool
