#include "kernels/windows/average.inl"

namespace qtool::kernels {
void average_scalar(const AverageArgs& args) { average_any(args); }
}  // namespace qtool::kernels
