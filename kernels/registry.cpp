#include "kernels/registry.h"

#include <iterator>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace qtool::kernels {
#if defined(__aarch64__)
namespace {

// Linux's asm/hwcap.h of arm64; older headers lack the second.
constexpr unsigned long kDotProduct = 1ul << 20, kMatrix8 = 1ul << 13;
bool has_dot_product() { return (getauxval(AT_HWCAP) & kDotProduct) != 0; }
bool has_matrix8() { return (getauxval(AT_HWCAP2) & kMatrix8) != 0; }

}  // namespace
#endif

namespace {

constexpr std::string_view kNames[] = {"scalar", "avx2", "avx512", "avx512vbmi", "neon", "neondot", "neoni8mm"};
Isa limit = Isa::neoni8mm;

}  // namespace

std::string_view name_of(Isa isa) { return kNames[static_cast<size_t>(isa)]; }

std::optional<Isa> isa_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<Isa>(i);
  return std::nullopt;
}

void limit_to(Isa most) { limit = most; }
bool within_limit(Isa isa) { return isa <= limit; }

bool runs_here(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
#if defined(__x86_64__)
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    case Isa::avx512vbmi:
      return runs_here(Isa::avx512) && __builtin_cpu_supports("avx512vbmi");
    default:
      return false;
#elif defined(__aarch64__)
    case Isa::neon:
      return true;
    case Isa::neondot:
      return has_dot_product();
    case Isa::neoni8mm:
      return has_dot_product() && has_matrix8();
    default:
      return false;
#else
    default:
      return false;
#endif
  }
}

}  // namespace qtool::kernels
