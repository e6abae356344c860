#include "kernels/products/gemv.inl"

namespace qtool::kernels {
void gemv_avx512(const GemvArgs& args) { gemv_rows(args); }
}  // namespace qtool::kernels
