#include "kernels/rows/layer_norm.inl"

namespace qtool::kernels {
void layer_norm_scalar(const LayerNormArgs& args) { layer_norm_any(args); }
}  // namespace qtool::kernels
