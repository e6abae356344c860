#include <array>

#include "exec/arm/backend.h"
#include "exec/lowering.h"
#include "exec/plan.h"
#include "exec/reference/backend.h"
#if QTOOL_ONEDNN
#include "exec/onednn/backend.h"
#endif
#include "kernels/registry.h"

namespace qtool {
namespace {

constexpr std::array kBackends{
#define BACKEND(object) &object,
#include "exec/backends.inc"
#undef BACKEND
};

}  // namespace

std::span<const Backend* const> all_backends() { return kBackends; }

const Backend* find_backend(std::string_view name) {
  for (const Backend* backend : kBackends)
    if (backend->name == name) return backend;
  return nullptr;
}

void set_engine_threads(int threads) {
#if QTOOL_ONEDNN
  onednn::set_threads(threads);
#else
  (void)threads;
#endif
}

void limit_instruction_set(const std::string& name) {
  constexpr kernels::Isa kAll[] = {kernels::Isa::scalar, kernels::Isa::avx2,    kernels::Isa::avx512,  kernels::Isa::avx512vbmi,
                                   kernels::Isa::neon,   kernels::Isa::neondot, kernels::Isa::neoni8mm};
  std::string here;
  for (const kernels::Isa isa : kAll)
    if (kernels::runs_here(isa)) here += (here.empty() ? "" : ", ") + std::string(kernels::name_of(isa));
  const auto isa = kernels::isa_named(name);
  if (!isa) throw usage_error("--isa \"" + name + "\": no such instruction set; this processor has " + here);
  if (!kernels::runs_here(*isa)) throw unsupported("--isa " + name + ": this processor has only " + here);
  kernels::limit_to(*isa);
}

}  // namespace qtool
