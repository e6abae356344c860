#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <class T>
void transpose(const TransposeArgs& args) {
  const T* in = static_cast<const T*>(args.in);
  T* out = static_cast<T*>(args.out);
  for (size_t r = 0; r < args.rows; ++r)
    for (size_t c = 0; c < args.columns; ++c) out[c * args.out_stride + r] = in[r * args.in_stride + c];
}

}  // namespace

void transpose_scalar(const TransposeArgs& args) { args.width == 1 ? transpose<uint8_t>(args) : transpose<uint32_t>(args); }

}  // namespace qtool::kernels
