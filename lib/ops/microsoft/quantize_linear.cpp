// com.microsoft's QuantizeLinear and DequantizeLinear: ONNX's, for 16-bit codes before opset 21.
#include "ops/helpers/infer.h"

namespace qtool {
namespace {

const OpDef& onnx(const Node& node) { return *find_op("", node.op, 21); }

void eval(const Node& node, TensorsIn in, TensorsOut out) { onnx(node).eval(node, in, out); }
TypeList infer(const Node& node, const InferInput& in) { return onnx(node).infer(node, in); }

}  // namespace

extern const OpDef kMicrosoftQuantizeLinear1{.name = "QuantizeLinear", .infer = infer, .eval = eval, .domain = "com.microsoft"};
extern const OpDef kMicrosoftDequantizeLinear1{.name = "DequantizeLinear", .infer = infer, .eval = eval, .domain = "com.microsoft"};

}  // namespace qtool
