#include "kernels/elementwise/curve.inl"

namespace qtool::kernels {
void curve_scalar(const CurveArgs& args) { curve_any(args); }
}  // namespace qtool::kernels
