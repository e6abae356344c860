#pragma once
#include "graph/model.h"

namespace qtool {

/// MatMul(x, w) and Gemm(x, w[, bias]) with w = DequantizeLinear(const matrix of 2 to 8 bits) in blocks along K, or of less than 8 bits
/// with one scale, or one a column: com.microsoft.MatMulNBits, which engines run on the packed codes.
void join_block_products(Model& model);

}  // namespace qtool
