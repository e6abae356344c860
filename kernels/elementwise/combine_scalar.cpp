#include "kernels/elementwise/combine.inl"

namespace qtool::kernels {
void combine_scalar(const CombineArgs& args) { combine_any(args); }
}  // namespace qtool::kernels
