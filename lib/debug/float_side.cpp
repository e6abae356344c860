#include "debug/float_side.h"

#include "graph/domains.h"
#include "pass/tidy.h"
#include "quantize/prepare.h"

namespace qtool::debug {
namespace {

constexpr int64_t kLowestOpset = 13;

BackendConfig backend_of(const Model& int8) {
  const std::string* text = int8.find_metadata(kBackendKey);
  if (!text) return BackendConfig::built_in("x86");
  for (const std::string& name : BackendConfig::built_in_names())
    if (name == *text) return BackendConfig::built_in(name);
  return BackendConfig::parse(*text, kBackendKey);
}

}  // namespace

FloatSide float_side(const Model& model, const Model& int8) {
  FloatSide side{copy(model), {}};
  Model& fused = side.fused;
  if (fused.find_metadata(kBackendKey)) throw invalid_file("is a prepared or quantized model; give the float model it was made of");
  Diagnostics ignored;
  inline_functions(fused, [](const Node&) { return false; });
  widen_floats(fused);
  tidy(fused);
  if (fused.opset() < kLowestOpset) {
    lift(fused, kLowestOpset);
    tidy(fused);
  }
  tidy_and_fuse(
      fused, backend_of(int8), [](const Node&) { return true; }, ignored);
  side.flat = copy(fused);
  inline_functions(side.flat, [](const Node& call) { return call.domain != kFusedDomain; });
  return side;
}

}  // namespace qtool::debug
