#include "debug/float_side.h"

#include <algorithm>
#include <optional>

#include "graph/domains.h"
#include "pass/tidy.h"
#include "quantize/prepare.h"

namespace qtool::debug {
namespace {

constexpr int64_t kLowestOpset = 13;

std::optional<BackendConfig> backend_of(const Model& int8) {
  const std::string* text = int8.find_metadata(kBackendKey);
  if (!text) return std::nullopt;
  for (const std::string& name : BackendConfig::built_in_names())
    if (name == *text) return BackendConfig::built_in(name);
  return BackendConfig::parse(*text, kBackendKey);
}

Model tidied(const Model& model) {
  Model result = copy(model);
  inline_functions(result, [](const Node&) { return false; });
  widen_floats(result);
  tidy(result);
  if (result.opset() >= kLowestOpset) return result;
  lift(result, kLowestOpset);
  tidy(result);
  return result;
}

FloatSide fused_with(const Model& model, const BackendConfig& backend) {
  FloatSide side{copy(model), {}};
  Diagnostics ignored;
  tidy_and_fuse(
      side.fused, backend, [](const Node&) { return true; }, ignored);
  side.flat = copy(side.fused);
  inline_functions(side.flat, [](const Node& call) { return call.domain != kFusedDomain; });
  return side;
}

BackendConfig with_patterns(BackendConfig backend, bool (*wanted)(const BackendPattern&)) {
  std::erase_if(backend.patterns, [&](const BackendPattern& pattern) { return !wanted(pattern); });
  return backend;
}

}  // namespace

std::vector<FloatSide> float_sides(const Model& model, const Model& int8) {
  if (model.find_metadata(kBackendKey)) throw invalid_file("the float model is a prepared or quantized one; give the model it was made of");
  const Model ready = tidied(model);
  std::vector<FloatSide> sides;
  if (const auto backend = backend_of(int8)) {
    sides.push_back(fused_with(ready, *backend));
    return sides;
  }
  const BackendConfig x86 = BackendConfig::built_in("x86");
  sides.push_back(
      fused_with(ready, with_patterns(x86, [](const BackendPattern& each) { return each.fuser_method.starts_with("fold_bn"); })));
  sides.push_back(fused_with(ready, x86));
  sides.push_back(fused_with(ready, with_patterns(x86, [](const BackendPattern&) { return false; })));
  return sides;
}

}  // namespace qtool::debug
