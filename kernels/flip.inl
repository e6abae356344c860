#include "kernels/registry.h"

namespace qtool::kernels {
namespace {
void flip_any(const FlipArgs& args) {
  uint8_t* __restrict out = args.out;
  for (size_t i = 0; i < args.n; ++i) out[i] = args.in[i] ^ 0x80;
}
}  // namespace
}  // namespace qtool::kernels
