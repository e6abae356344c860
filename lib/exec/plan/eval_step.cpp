#include "exec/plan/eval_step.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "exec/reference/interpreter.h"
#include "ops/op_def.h"

namespace qtool {
namespace {

/// Operators that only move or select elements, so that they can run on codes as they are.
constexpr std::array<std::string_view, 18> kMoves{"Reshape",  "Flatten", "Squeeze",        "Unsqueeze",    "Transpose", "Slice",
                                                  "Gather",   "Split",   "GatherElements", "GatherND",     "Expand",    "Tile",
                                                  "Identity", "Dropout", "DepthToSpace",   "SpaceToDepth", "MaxPool",   "GlobalMaxPool"};

bool moves(const Cluster& cluster) {
  return cluster.kind == ClusterKind::pass_through && std::find(kMoves.begin(), kMoves.end(), cluster.root->op) != kMoves.end();
}

/// One node: its tensors by number in the table of the step.
struct Evaluation {
  const OpDef* op;
  const Node* node;
  std::vector<size_t> in, out;
};

class EvalStep : public Step {
 public:
  void run(std::span<const Array* const> inputs, std::span<Array> outputs, StepContext&) override {
    std::vector<Tensor> table = constants;
    for (size_t i = 0; i < inputs.size(); ++i) table[input_numbers[i]] = inputs[i]->tensor;
    for (const Evaluation& evaluation : evaluations) run(evaluation, table);
    for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = {std::move(table[output_numbers[i]]), Layout::plain};
  }
  std::string kernel() const override { return "eval"; }

  static void run(const Evaluation& evaluation, std::vector<Tensor>& table) {
    std::vector<Tensor> in;
    for (const size_t number : evaluation.in) in.push_back(table[number]);
    std::vector<Tensor> out = evaluate(*evaluation.op, *evaluation.node, in);
    for (size_t i = 0; i < out.size(); ++i) table[evaluation.out[i]] = std::move(out[i]);
  }

  std::vector<Tensor> constants;  ///< the table before a run; number 0 is "omitted"
  std::vector<size_t> input_numbers, output_numbers;
  std::vector<Evaluation> evaluations;
};

class Compiler {
 public:
  Compiler(const Model& model, const Cluster& cluster) : model_(model), cluster_(cluster) { step_->constants.emplace_back(); }

  std::unique_ptr<Step> compile() {
    for (const Operand* operand : activations_of(cluster_)) step_->input_numbers.push_back(input(*operand->value));
    if (moves(cluster_)) read_codes_as_they_are();
    for (size_t i = 0; i < cluster_.outputs.size(); ++i) step_->output_numbers.push_back(output(i));
    return std::move(step_);
  }

 private:
  size_t fresh(Tensor constant = {}) {
    step_->constants.push_back(std::move(constant));
    return step_->constants.size() - 1;
  }

  size_t input(const Value& value) {
    const auto [at, added] = numbers_.emplace(&value, 0);
    if (added) at->second = fresh();
    return at->second;
  }

  /// The float inputs of the root stand for their codes, and its float outputs too.
  void read_codes_as_they_are() {
    for (size_t i = 0; i < cluster_.inputs.size(); ++i)
      if (cluster_.inputs[i].quantized()) numbers_[cluster_.root->in(i)] = number_of(cluster_.inputs[i].value);
  }

  size_t output(size_t i) { return number_of(moves(cluster_) ? cluster_.root->out(i) : cluster_.outputs[i].value); }

  size_t number_of(const Value* value) {
    if (!value) return 0;
    if (const auto found = numbers_.find(value); found != numbers_.end()) return found->second;
    if (const Tensor* constant = value->constant()) return numbers_[value] = fresh(*constant);
    evaluate_node(value->producer());
    return numbers_.at(value);
  }

  void evaluate_node(const Node& node) {
    const OpDef* op = find_op(model_, node);
    if (!op || !op->eval) throw cannot_execute(model_, node);
    Evaluation evaluation{op, &node, {}, {}};
    for (const Value* value : node.inputs()) evaluation.in.push_back(number_of(value));
    for (const auto& value : node.outputs()) evaluation.out.push_back(value ? numbers_[value.get()] = fresh() : fresh());
    const bool constant = !evaluation.in.empty() && std::all_of(evaluation.in.begin(), evaluation.in.end(), [&](size_t number) {
      return number == 0 || step_->constants[number].defined();
    });
    if (constant)
      EvalStep::run(evaluation, step_->constants);
    else
      step_->evaluations.push_back(std::move(evaluation));
  }

  const Model& model_;
  const Cluster& cluster_;
  std::unique_ptr<EvalStep> step_ = std::make_unique<EvalStep>();
  std::unordered_map<const Value*, size_t> numbers_;
};

}  // namespace

std::unique_ptr<Step> make_eval_step(const Model& model, const Cluster& cluster) { return Compiler(model, cluster).compile(); }

}  // namespace qtool
