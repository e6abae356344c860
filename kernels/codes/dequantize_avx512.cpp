#include "kernels/codes/dequantize.inl"

namespace qtool::kernels {
void dequantize_avx512(const DequantizeArgs& args) { dequantize_any(args); }
}  // namespace qtool::kernels
