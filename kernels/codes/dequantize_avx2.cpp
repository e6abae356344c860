#include "kernels/codes/dequantize.inl"

namespace qtool::kernels {
void dequantize_avx2(const DequantizeArgs& args) { dequantize_any(args); }
}  // namespace qtool::kernels
