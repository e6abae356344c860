#include "exec/onednn/backend.h"

#include "exec/kernels/lowerings.h"
#include "exec/onednn/lowerings.h"
#include "exec/onednn/products/alone.h"

namespace qtool::onednn {
namespace {

const Row kRows[] = {
#define LOWERING(kind, op, function) {ClusterKind::kind, op, function},
#include "exec/onednn/lowerings.inc"
#undef LOWERING
};

LowerResult lower(const Model& model, const Cluster& cluster) { return lower_by(kRows, model, cluster); }

std::string_view isa_name(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2-VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX512-VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX512-VNNI";
    default:
      return isa == dnnl::cpu_isa::avx512_core_amx ? "AMX" : "x86";
  }
}

std::string description() {
  const dnnl_version_t& version = *dnnl_version();
  return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch) + ", " +
         std::string(isa_name(dnnl::get_effective_cpu_isa()));
}

bool available() { return true; }

}  // namespace

const Backend kBackend{"onednn", lower, description, available, product_alone_us};

}  // namespace qtool::onednn
