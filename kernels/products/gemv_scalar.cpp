#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

float weight(const GemvBytesArgs& args, size_t panel, size_t k, size_t n, size_t at) {
  return static_cast<float>(args.codes[panel * args.panel_bytes() + k * 8 + n]) * args.scale[at];
}

float weight(const GemvNibblesArgs& args, size_t panel, size_t k, size_t n, size_t at) {
  const int code = args.codes[panel * args.panel_bytes() + k / 2 * 8 + n] >> 4 * (k % 2) & 15;
  return static_cast<float>(code - args.zero[at]) * args.scale[at];
}

float clamped(float y, float lo, float hi) { return y <= lo ? lo : y >= hi ? hi : y; }

template <class Args>
void gemv(const Args& args) {
  for (size_t column = 0; column < args.packing.n; ++column) {
    const size_t panel = column / 8, n = column % 8;
    float y = args.start[column];
    for (size_t k = 0; k < args.packing.depth; ++k)
      y = std::fma(args.in[k], weight(args, panel, k, n, (panel * args.groups() + k / args.group) * 8 + n), y);
    args.out[column] = clamped(y, args.lo, args.hi);
  }
}

}  // namespace

void gemv_bytes_scalar(const GemvBytesArgs& args) { gemv(args); }
void gemv_nibbles_scalar(const GemvNibblesArgs& args) { gemv(args); }

}  // namespace qtool::kernels
