// com.microsoft operators on codes: y = Q(op(DQ(a), DQ(b), ...)), see ops/helpers/qlinear.h. Written by ONNX Runtime's quantizer in
// its QOperator format, and by its optimizer.
#include "ops/helpers/qlinear.h"

namespace qtool {

#define QLINEAR(row, op) \
  extern const OpDef row{.name = op, .since = 1, .infer = infer_qlinear, .eval = eval_qlinear, .domain = "com.microsoft"};

QLINEAR(kQLinearAdd1, "QLinearAdd")
QLINEAR(kQLinearMul1, "QLinearMul")
QLINEAR(kQLinearSigmoid1, "QLinearSigmoid")
QLINEAR(kQLinearLeakyRelu1, "QLinearLeakyRelu")
QLINEAR(kQLinearSoftmax1, "QLinearSoftmax")
QLINEAR(kQLinearAveragePool1, "QLinearAveragePool")
QLINEAR(kQLinearGlobalAveragePool1, "QLinearGlobalAveragePool")
QLINEAR(kQLinearReduceMean1, "QLinearReduceMean")
QLINEAR(kQLinearConcat1, "QLinearConcat")
QLINEAR(kQLinearWhere1, "QLinearWhere")
QLINEAR(kQGemm1, "QGemm")

#undef QLINEAR

}  // namespace qtool
