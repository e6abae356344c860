#include "observe/kernels/scan_count.h"

namespace qtool::observe {
namespace {
constexpr size_t kLanes = 8;  // floats of a register
}
#include "observe/kernels/loops.inl"

extern const Kernels kKernels_avx2;
const Kernels kKernels_avx2{scan, bins};

}  // namespace qtool::observe
