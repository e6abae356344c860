#include <array>

#include "exec/arm/backend.h"
#include "exec/lowering.h"
#include "exec/plan.h"
#include "exec/reference/backend.h"
#if QTOOL_ONEDNN
#include "exec/onednn/backend.h"
#endif

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

}  // namespace qtool
