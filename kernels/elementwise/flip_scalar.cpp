#include "kernels/elementwise/flip.inl"

namespace qtool::kernels {
void flip_scalar(const FlipArgs& args) { flip_any(args); }
}  // namespace qtool::kernels
