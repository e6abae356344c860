#include "kernels/rows/layer_norm.inl"

namespace qtool::kernels {
void layer_norm_avx2(const LayerNormArgs& args) { layer_norm_any(args); }
}  // namespace qtool::kernels
