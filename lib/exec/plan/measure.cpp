#include "exec/plan/executor.h"
#include "ops/op_def.h"

namespace qtool {
namespace {

/// Shape of an operand of a step that has just run; empty when it is gone.
const Tensor* tensor_of(const Operand& operand, const std::vector<const Tensor*>& activations, size_t& next) {
  if (!operand.value) return nullptr;
  if (const Tensor* constant = operand.value->constant()) return constant;
  return activations[next++];
}

}  // namespace

void measure(const Model& model, const PlanStep& step, const Frame& frame, StepCost& cost) {
  if (step.kind != PlanStep::Kind::run) return;
  std::vector<const Tensor*> activations;
  for (const int slot : step.inputs) activations.push_back(&frame.native(slot).tensor);
  std::vector<Shape> in, out;
  size_t next = 0;
  const auto add = [&](const Operand& operand) {
    const Tensor* tensor = tensor_of(operand, activations, next);
    cost.bytes += tensor && tensor->dtype() != DType::string ? static_cast<int64_t>(tensor->byte_size()) : 0;
    return tensor ? tensor->shape() : Shape{};
  };
  for (const Operand& operand : step.cluster.inputs) in.push_back(add(operand));
  for (const PostOp& post : step.cluster.post_ops) add(post.operand);
  for (const int slot : step.outputs) {
    if (slot < 0) continue;
    const Tensor& made = frame.native(slot).tensor;
    if (made.dtype() != DType::string) cost.bytes += static_cast<int64_t>(made.byte_size());
    out.push_back(made.shape());
  }
  cost.shapes = in;
  const OpDef* op = find_op(model, *step.cluster.root);
  if (op && op->macs && !out.empty()) cost.macs += op->macs(*step.cluster.root, in, out);
}

}  // namespace qtool
