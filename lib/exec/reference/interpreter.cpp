#include "exec/reference/interpreter.h"

#include <chrono>

#include "exec/control_flow.h"
#include "graph/observer.h"

namespace qtool {

Error cannot_execute(const Model& model, const Node& node) {
  const std::string domain = node.domain.empty() ? "ai.onnx" : node.domain;
  return unsupported("node \"" + node.path() + "\": operator " + node.op + " of domain " + domain + " (opset " +
                     std::to_string(model.opset(node.domain)) + ") cannot be executed");
}

std::vector<Tensor> evaluate(const OpDef& op, const Node& node, std::span<const Tensor> in) {
  std::vector<Tensor> out(node.output_count());
  try {
    op.eval(node, in, out);
  } catch (Error& error) {  // not with_frame: the path is costly to spell out for every call
    error.prepend("node \"" + node.path() + "\" (" + node.op + ")");
    throw;
  }
  return out;
}

/// The values of one run of one graph, on top of those of the enclosing graphs.
class Interpreter::Frame {
 public:
  Frame(const Interpreter& interpreter, const Graph& graph, const Frame* outer, const InterpreterHooks& hooks)
      : interpreter_(interpreter), graph_(graph), prepared_(interpreter.prepared_.at(&graph)), outer_(outer), hooks_(hooks) {}

  std::vector<Tensor> run(std::span<const Tensor> inputs) {
    bind(inputs);
    for (Node& node : graph_.nodes())
      if (node.is_call()) step(node);
    std::vector<Tensor> outputs;
    for (const Value* value : graph_.output().inputs()) outputs.push_back(look_up(value));
    return outputs;
  }

 private:
  void bind(std::span<const Tensor> inputs) {
    size_t i = 0;
    for (Node* input : graph_.placeholders()) {
      Tensor given = i < inputs.size() ? inputs[i] : Tensor();
      ++i;
      if (!given.defined() && input->weight) given = input->weight->tensor;
      set(*input->out(0), std::move(given));
    }
  }

  void set(const Value& value, Tensor tensor) {
    if (hooks_.computed && tensor.defined()) hooks_.computed(value, tensor);
    values_[&value] = std::move(tensor);
  }

  Tensor look_up(const Value* value) const {
    if (!value) return {};
    if (const Tensor* constant = value->constant()) return *constant;
    for (const Frame* frame = this; frame; frame = frame->outer_)
      if (const auto found = frame->values_.find(value); found != frame->values_.end()) return found->second;
    throw bug("value \"" + value->path() + "\" has not been computed");
  }

  void step(Node& node) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<Tensor> in;
    for (const Value* value : node.inputs()) in.push_back(look_up(value));
    std::vector<Tensor> out = compute(node, in);
    for (size_t i = 0; i < node.output_count(); ++i)
      if (node.out(i)) set(*node.out(i), i < out.size() ? std::move(out[i]) : Tensor());
    if (const auto found = prepared_.dying.find(&node); found != prepared_.dying.end())
      for (const Value* value : found->second) values_.erase(value);
    if (hooks_.timed && !outer_)
      hooks_.timed(node, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }

  std::vector<Tensor> compute(Node& node, const std::vector<Tensor>& in) {
    if (is_observer(node)) {
      if (hooks_.observe) hooks_.observe(node, {in.at(0), Layout::plain});
      return {in.at(0)};
    }
    if (is_control_flow(node)) return control(node, in);
    const OpDef* op = prepared_.ops.at(&node);
    if (!op || !op->eval) throw cannot_execute(interpreter_.model_, node);
    return evaluate(*op, node, in);
  }

  std::vector<Tensor> control(Node& node, const std::vector<Tensor>& in) {
    const auto body = [this](Graph& graph, const std::vector<Tensor>& inputs) {
      return Frame(interpreter_, graph, this, hooks_).run(inputs);
    };
    return run_control_flow(node, interpreter_.model_.opset(), in, body);
  }

  const Interpreter& interpreter_;
  const Graph& graph_;
  const Prepared& prepared_;
  const Frame* outer_;
  const InterpreterHooks& hooks_;
  std::unordered_map<const Value*, Tensor> values_;
};

Interpreter::Interpreter(const Model& model) : model_(model) {
  for_each_graph(*model.graph, [&](Graph& graph) {
    Prepared& prepared = prepared_[&graph];
    prepared.dying = last_uses(graph);
    for (const Node& node : graph.nodes())
      if (node.is_call()) prepared.ops[&node] = find_op(model, node);
  });
}

std::vector<Tensor> Interpreter::run(std::span<const Tensor> inputs, const InterpreterHooks& hooks) const {
  return Frame(*this, *model_.graph, nullptr, hooks).run(inputs);
}

}  // namespace qtool
