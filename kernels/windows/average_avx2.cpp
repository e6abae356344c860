#include "kernels/windows/average.inl"

namespace qtool::kernels {
void average_avx2(const AverageArgs& args) { average_any(args); }
}  // namespace qtool::kernels
