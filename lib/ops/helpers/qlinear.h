#pragma once
// Operators on codes that stand for a float operator between DequantizeLinear and QuantizeLinear: QLinearConv and QLinearMatMul of ONNX,
// QLinearAdd, QLinearConcat, QGemm, ... of com.microsoft. One table says which inputs mean what; values, types and the engines'
// expansion into Q and DQ read it.

#include <optional>
#include <string_view>
#include <vector>

#include "ops/op_def.h"

namespace qtool {

struct QLinearForm {
  struct Operand {
    size_t codes, scale, zero;  ///< inputs of the node
    int axis;                   ///< of the codes, where the scale is a vector
  };
  std::string_view float_op;
  int64_t opset;                  ///< whose meaning of float_op is meant
  std::vector<size_t> plain;      ///< inputs passed on as they are, in front of the operands (the condition of QLinearWhere)
  std::vector<Operand> operands;  ///< in the order of the float operator's inputs
  std::optional<size_t> bias;     ///< int32 in units of the product of the first two scales (and alpha)
  size_t y_scale, y_zero;         ///< beyond the node's inputs: the output is float (QGemm)
};

/// Nothing when the node is no such operator, or asks for channels_last.
std::optional<QLinearForm> qlinear_form(const Node& node);

/// The operator's values and types through its float operator.
void eval_qlinear(const Node& node, TensorsIn in, TensorsOut out);
std::vector<ValueType> infer_qlinear(const Node& node, const InferInput& in);

}  // namespace qtool
