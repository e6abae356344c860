#include "observe/kernels/scan_count.h"

namespace qtool::observe {

extern const Kernels kKernels_portable;
#if defined(__x86_64__)
extern const Kernels kKernels_avx2, kKernels_avx512;
#endif

namespace {

const Kernels& fastest() {
#if defined(__x86_64__)
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  if (wide) return kKernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c")) return kKernels_avx2;
#endif
  return kKernels_portable;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = fastest();
  return chosen;
}

const Kernels& portable_kernels() { return kKernels_portable; }

}  // namespace qtool::observe
