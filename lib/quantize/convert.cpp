#include "quantize/convert.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "quantize/decide.h"
#include "quantize/decide_weights.h"
#include "quantize/imported.h"
#include "quantize/layers.h"
#include "quantize/observers.h"
#include "quantize/scale_bounds.h"
#include "quantize/to_dynamic.h"
#include "quantize/to_qdq.h"
#include "quantize/to_weight_only.h"

namespace qtool {
namespace {

const std::string& required_metadata(const Model& model, const char* key) {
  const std::string* found = model.find_metadata(key);
  if (!found) throw invalid_file(std::string("is not a prepared model: it has no metadata ") + key + " (run `qtool prepare` first)");
  return *found;
}

bool is_built_in_backend(const std::string& name) {
  const auto names = BackendConfig::built_in_names();
  return std::ranges::find(names, name) != names.end();
}

BackendConfig backend_of(const Model& model) {
  const std::string& text = required_metadata(model, kBackendKey);
  return is_built_in_backend(text) ? BackendConfig::built_in(text) : BackendConfig::parse(text, kBackendKey);
}

/// A built-in backend is kept by its name: written out it outweighs what other tools add to a small model.
void shorten_backend(Model& model, const BackendConfig& backend) {
  if (is_built_in_backend(backend.name) && BackendConfig::built_in(backend.name) == backend) model.set_metadata(kBackendKey, backend.name);
}

void finish(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend) {
  model.set_metadata(kQConfigKey, qconfig.to_json());
  shorten_backend(model, backend);
  for (const char* key : {kStatsKey, kWrapKey, kModeKey, kImportedKey}) model.remove_metadata(key);
}

QConfigMapping qconfig_of(const Model& model, const ConvertOptions& options) {
  QConfigMapping mapping = options.qconfig ? *options.qconfig : QConfigMapping::parse(required_metadata(model, kQConfigKey), kQConfigKey);
  return options.observer.empty() ? mapping : mapping.with_activation_observer(options.observer);
}

DecideOptions decide_options(const Model& model) { return {{}, all_float_because(model)}; }

/// Decides until every tensor of the plan has parameters.
std::pair<QuantPlan, QParams> decide_with_stats(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend,
                                                const Stats& stats) {
  DecideOptions options = decide_options(model);
  for (;;) {
    QuantPlan plan = decide(model, qconfig, backend, options);
    QParams qparams = choose_qparams(plan, stats, backend.placement);
    const size_t before = options.unquantizable.size();
    const auto refused = qparams.missing.empty() ? scales_above_bounds(plan, qparams) : qparams.missing;
    for (const auto& [tensor, reason] : refused) options.unquantizable.emplace(tensor, reason);
    if (options.unquantizable.size() == before) return {std::move(plan), std::move(qparams)};
  }
}

/// A plan that the model's opset can hold: what it needs more is lifted.
QuantPlan decide_and_lift(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend, const DecideOptions& options) {
  const Mode mode = mode_of(model);
  QuantPlan plan = decide_in_mode(model, mode, qconfig, backend, options);
  if (!lift_for(model, plan)) return plan;
  return decide_in_mode(model, mode, qconfig, backend, options);
}

/// The modes that need no statistics.
ConvertReport convert_weights(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend, Dialect dialect,
                              Diagnostics& diagnostics) {
  infer_types(model);
  const QuantPlan plan = decide_and_lift(model, qconfig, backend, decide_options(model));
  report_plan(plan, qconfig, all_float_because(model), diagnostics);
  ConvertReport report;
  for (const NodeDecision& decision : plan.nodes) ++(decision.quantized ? report.quantized_calls : report.float_calls);
  report.tables = plan.tables.size();
  if (plan.mode == Mode::dynamic)
    to_dynamic(model, plan, backend.placement, dialect);
  else
    to_weight_only(model, plan, backend.placement);
  lint(model, "after pass to_" + std::string(name_of(plan.mode)));
  finish(model, qconfig, backend);
  return report;
}

/// Recurrences of a static plan take codes for their input; their state has no Q/DQ in a file, so it is told as dynamic ones are told.
void tell_static_recurrences(Model& model, const QuantPlan& plan) {
  nlohmann::ordered_json told = nlohmann::ordered_json::object();
  for (const NodeDecision& decision : plan.nodes) {
    if (!decision.quantized || !is_recurrent(*decision.root) || decision.qconfig->weight.dtype != DType::int8) continue;
    Node& root = const_cast<Node&>(*decision.root);
    if (root.name.empty()) root.name = root.path();
    told[root.name] = {{"activation", "uint8"}};
  }
  if (!told.empty()) model.set_metadata(kDynamicKey, told.dump());
}

}  // namespace

ConvertReport convert(Model& model, const Stats& stats, const ConvertOptions& options, Diagnostics& diagnostics) {
  const BackendConfig backend = backend_of(model);
  const QConfigMapping qconfig = qconfig_of(model, options);
  required_metadata(model, kModeKey);
  if (mode_of(model) != Mode::static_range) return convert_weights(model, qconfig, backend, options.dialect, diagnostics);
  strip_observers(model);
  infer_types(model);
  auto [plan, qparams] = decide_with_stats(model, qconfig, backend, stats);
  report_plan(plan, qconfig, all_float_because(model), diagnostics);
  ConvertReport report;
  for (const NodeDecision& decision : plan.nodes) ++(decision.quantized ? report.quantized_calls : report.float_calls);
  report.tensors = plan.order.size();
  report.tables = plan.tables.size();
  tell_static_recurrences(model, plan);
  to_qdq(model, plan, qparams, backend.placement);
  if (model.find_metadata(kImportedKey)) {
    store_biases(model, backend.placement);
    drop_unused_weights(*model.graph);
  }
  lint(model, "after pass to_qdq");
  finish(model, qconfig, backend);
  return report;
}

}  // namespace qtool
