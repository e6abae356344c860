#include "kernels/average.inl"

namespace qtool::kernels {
void average_avx512(const AverageArgs& args) { average_any(args); }
}  // namespace qtool::kernels
