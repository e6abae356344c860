// Identity: y = x. Dropout in inference: y = x, mask all true.
#include <cstring>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

void identity(const Node&, TensorsIn in, TensorsOut out) { out[0] = input(in, 0); }

Tensor ones(DType dtype, const Shape& shape) {
  return from_doubles(dtype, shape, std::vector<double>(static_cast<size_t>(element_count(shape)), 1.0));
}

void dropout(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = input(in, 0);
  assign(out, 1, ones(DType::boolean, in[0].shape()));
}

/// Inputs ratio and training_mode. Training with a ratio above 0 draws random numbers.
void dropout_12(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &ratio = optional_input(in, 1), &training = optional_input(in, 2);
  const bool trains = training.defined() && training.number_at(0) != 0;
  if (trains && (!ratio.defined() || ratio.number_at(0) != 0)) throw unsupported("Dropout in training mode");
  dropout(node, in, out);
}

TypeList infer_dropout(const Node& node, const InferInput& in) { return outputs(node, {type_of(in, 0), {DType::boolean, dims_of(in, 0)}}); }

/// The ratio has no effect in inference.
void lift_dropout(Graph&, Node& node) { node.remove_attribute("ratio"); }

}  // namespace

extern const OpDef kIdentity1{.name = "Identity", .infer = infer_same, .eval = identity, .quant = pass_through()};
extern const OpDef kDropout7{
    .name = "Dropout", .since = 7, .infer = infer_dropout, .eval = dropout, .quant = pass_through(), .lift = lift_dropout};
extern const OpDef kDropout12{.name = "Dropout", .since = 12, .infer = infer_dropout, .eval = dropout_12, .quant = pass_through()};

}  // namespace qtool
