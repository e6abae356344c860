#include "kernels/elementwise/curve.inl"

namespace qtool::kernels {
void curve_avx2(const CurveArgs& args) { curve_any(args); }
}  // namespace qtool::kernels
