#pragma once
// What an operator means: types, values, and what int8 means for it. One row per operator and meaning in ops.inc.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "graph/model.h"
#include "tensor/tensor.h"

namespace qtool {

/// What is known of a node's inputs before it runs. types[i].dtype undefined: omitted or unknown.
/// constants[i] is null unless the value of input i is known (weights, folded shape arithmetic).
struct InferInput {
  std::span<const ValueType> types;
  std::span<const Tensor* const> constants;
  int64_t opset = 0;  ///< of the node's domain
};

/// One type an output; unknown parts left unknown. Throws Error(invalid_file) when the inputs cannot be right.
using InferFn = std::vector<ValueType> (*)(const Node&, const InferInput&);

/// in[i] undefined = omitted. out has one entry per output of the node; an omitted output may be left undefined.
using TensorsIn = std::span<const Tensor>;
using TensorsOut = std::span<Tensor>;

/// The specification of the operator, naive on purpose. Assigns out[i]. Throws Error(invalid_file) on inputs that do not fit,
/// Error(unsupported) on types or attributes not covered.
using EvalFn = void (*)(const Node&, TensorsIn in, TensorsOut out);

/// Rewrites `node` from this meaning to the next row's; throws Error(unsupported) naming what cannot be lifted.
using LiftFn = void (*)(Graph&, Node&);

/// Multiply-accumulates of one run, given concrete shapes; for reports.
using MacsFn = int64_t (*)(const Node&, std::span<const Shape> in, std::span<const Shape> out);

/// What 8-bit codes mean for an operator anywhere; what is wanted is the backend's business.
struct QuantTraits {
  enum class Kind {
    float_only,    ///< no integer meaning
    pass_through,  ///< moves or selects elements: output shares the parameters of its data inputs (Reshape, MaxPool, Gather)
    same_scale,    ///< may mix its inputs: all inputs and the output in one group where the backend wants it (Concat)
    compute,       ///< multiply-accumulate: activations x weight (+ bias)
    arithmetic,    ///< element-wise on several quantized inputs (Add, Mul)
    fixed_output,  ///< output range known beforehand (Sigmoid, Softmax)
    lut,           ///< unary element-wise: a 256-entry table filled by eval
    reduce,        ///< averages: own output parameters, one data input (AveragePool, ReduceMean)
  };
  Kind kind = Kind::float_only;
  uint32_t data_inputs = 1;                   ///< bit i: input i carries quantized data
  int weight = -1;                            ///< input that, when constant, is quantized as a weight
  int bias = -1;                              ///< input that becomes int32 with scale = in * weight
  int (*weight_axis)(const Node&) = nullptr;  ///< the per-channel axis of the weight
  float lo = 0, hi = 0;                       ///< fixed_output: the range
};

constexpr QuantTraits float_only() { return {}; }
constexpr QuantTraits pass_through(uint32_t data_inputs = 1) {
  return {.kind = QuantTraits::Kind::pass_through, .data_inputs = data_inputs};
}
constexpr QuantTraits same_scale() { return {.kind = QuantTraits::Kind::same_scale, .data_inputs = ~0u}; }
constexpr QuantTraits compute(int weight, int bias, int (*axis)(const Node&)) {
  return {.kind = QuantTraits::Kind::compute, .data_inputs = 1u | 1u << weight, .weight = weight, .bias = bias, .weight_axis = axis};
}
constexpr QuantTraits arithmetic() { return {.kind = QuantTraits::Kind::arithmetic, .data_inputs = 3}; }
constexpr QuantTraits fixed_output(float lo, float hi) { return {.kind = QuantTraits::Kind::fixed_output, .lo = lo, .hi = hi}; }
constexpr QuantTraits lut() { return {.kind = QuantTraits::Kind::lut}; }
constexpr QuantTraits reduce() { return {.kind = QuantTraits::Kind::reduce}; }

struct OpDef {
  std::string_view name;
  int since = 1;            ///< first opset of this meaning
  InferFn infer = nullptr;  ///< never null in a row
  EvalFn eval = nullptr;    ///< null only for control flow (If, Loop, Scan), which lib/exec runs
  QuantTraits quant = {};
  LiftFn lift = nullptr;  ///< null: the node is already right under the next row
  MacsFn macs = nullptr;  ///< null: no multiply-accumulates
  std::string_view domain = "";
};

/// The newest row of domain/name not above `opset`; null when there is none.
const OpDef* find_op(std::string_view domain, std::string_view name, int64_t opset);
/// The row of a call_function node of `model`; null for unknown operators and other kinds.
const OpDef* find_op(const Model& model, const Node& node);
/// Every row, in the order of ops.inc.
std::span<const OpDef* const> all_ops();

/// Fills the types of every value of the model (bodies too) that can be inferred; declared types are kept where they say more.
/// Operators without a row leave their outputs as declared. Throws Error(invalid_file) with the node's path in front.
/// `input_shapes`: optional concrete shapes of the main graph's placeholders by name.
void infer_types(Model& model);

}  // namespace qtool
