#pragma once
// Kernels by family and instruction set. A family is a struct with `using Fn = void(const Args&)`; a variant is one row of
// kernels.inc, which declares it, offers it to best<>(), and puts it under test and bench. Every family has a scalar variant that
// means what the family's header says; the others differ from it in nothing but time.

#include <string_view>
#include <type_traits>
#include <vector>

#include "kernels/families.h"
#include "kernels/isa.h"

namespace qtool::kernels {

bool runs_here(Isa isa);

template <class Family>
struct Variant {
  std::string_view name;  ///< "quantize_avx512"
  Isa isa;
  typename Family::Fn* run;
  bool runs_here() const { return kernels::runs_here(isa); }
};

#define KERNEL(Family, name, isa) Family::Fn name##_##isa;
#include "kernels/kernels.inc"
#undef KERNEL

/// The variants of a family, fastest first, scalar last.
template <class Family>
std::vector<Variant<Family>> variants() {
  std::vector<Variant<Family>> found;
#define KERNEL(F, name, isa) \
  if constexpr (std::is_same_v<F, Family>) found.push_back({#name "_" #isa, Isa::isa, name##_##isa});
#include "kernels/kernels.inc"
#undef KERNEL
  return found;
}

/// The fastest variant of this machine, within the limit.
template <class Family>
const Variant<Family>& best() {
  static const Variant<Family> chosen = [] {
    for (const auto& variant : variants<Family>())
      if (variant.runs_here() && within_limit(variant.isa)) return variant;
    return variants<Family>().back();
  }();
  return chosen;
}

}  // namespace qtool::kernels
