#include "kernels/registry.h"

namespace qtool::kernels {

void extremes_scalar(const ExtremesArgs& args) {
  float lo = 0, hi = 0;
  for (size_t i = 0; i < args.n; ++i) {
    lo = args.in[i] < lo ? args.in[i] : lo;
    hi = args.in[i] > hi ? args.in[i] : hi;
  }
  *args.lo = lo;
  *args.hi = hi;
}

}  // namespace qtool::kernels
