#include "kernels/registry.h"

namespace qtool::kernels {
namespace {
void flip_any(const FlipArgs& args) {
  const size_t n = args.n;  // copies: bytes written through `out` might be the arguments
  const uint8_t* __restrict in = args.in;
  uint8_t* __restrict out = args.out;
  for (size_t i = 0; i < n; ++i) out[i] = in[i] ^ 0x80;
}
}  // namespace
}  // namespace qtool::kernels
