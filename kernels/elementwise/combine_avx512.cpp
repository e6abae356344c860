#include "kernels/elementwise/combine.inl"

namespace qtool::kernels {
void combine_avx512(const CombineArgs& args) { combine_any(args); }
}  // namespace qtool::kernels
