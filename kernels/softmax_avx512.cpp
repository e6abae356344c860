#include "kernels/softmax.inl"

namespace qtool::kernels {
void softmax_avx512(const SoftmaxArgs& args) { softmax_any(args); }
}  // namespace qtool::kernels
