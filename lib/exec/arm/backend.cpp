#include "exec/arm/backend.h"

#include "exec/arm/lowerings.h"
#include "kernels/registry.h"

namespace qtool::arm {
namespace {

const Row kRows[] = {
#define LOWERING(kind, op, function) {ClusterKind::kind, op, function},
#include "exec/arm/lowerings.inc"
#undef LOWERING
};

LowerResult lower(const Model& model, const Cluster& cluster) { return lower_by(kRows, model, cluster); }

std::string description() { return "own kernels, " + std::string(kernels::best<kernels::Gemm>().name); }

bool available() { return true; }

}  // namespace

const Backend kBackend{.name = "arm", .lower = lower, .description = description, .available = available, .signed_codes = true};

}  // namespace qtool::arm
