#include "kernels/rows/softmax.inl"

namespace qtool::kernels {
void softmax_avx2(const SoftmaxArgs& args) { softmax_any(args); }
}  // namespace qtool::kernels
