#include "observe/kernels/scan_count.h"

namespace qtool::observe {
namespace {
constexpr size_t kLanes = 4;  // floats of a register
}
#include "observe/kernels/loops.inl"

extern const Kernels kKernels_portable;
const Kernels kKernels_portable{scan, bins};

}  // namespace qtool::observe
