#include "kernels/registry.h"

namespace qtool::kernels {

bool runs_here(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
#if defined(__x86_64__)
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    case Isa::avx512vbmi:
      return runs_here(Isa::avx512) && __builtin_cpu_supports("avx512vbmi");
    default:
      return false;
#else
    case Isa::neon:
      return true;
    default:
      return false;
#endif
  }
}

}  // namespace qtool::kernels
