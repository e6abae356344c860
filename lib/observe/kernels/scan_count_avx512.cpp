#include "observe/kernels/scan_count.h"

namespace qtool::observe {
namespace {
constexpr size_t kLanes = 16;  // floats of a register
}
#include "observe/kernels/loops.inl"

extern const Kernels kKernels_avx512;
const Kernels kKernels_avx512{scan, bins};

}  // namespace qtool::observe
