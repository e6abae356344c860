#include "kernels/elementwise/flip.inl"

namespace qtool::kernels {
void flip_avx512(const FlipArgs& args) { flip_any(args); }
}  // namespace qtool::kernels
