#include "quantize/prepare.h"

#include <algorithm>
#include <set>

#include "config/nearest.h"
#include "graph/pattern_node.h"
#include "ops/op_def.h"
#include "pass/tidy.h"
#include "quantize/decide_weights.h"
#include "quantize/imported.h"
#include "quantize/observers.h"
#include "quantize/wrap.h"
#include "quantize/wrap_regions.h"

namespace qtool {
namespace {

constexpr int64_t kLowestOpset = 13;  ///< per-channel DequantizeLinear (QDQ 7)

void refuse_finished(const Model& model) {
  if (!model.find_metadata(kBackendKey)) return;
  const bool prepared = model.find_metadata(kModeKey) != nullptr;
  throw invalid_file(std::string("is a ") + (prepared ? "prepared" : "quantized") + " model already; give the float model");
}

void report(const std::vector<PassReport>& passes, Diagnostics& diagnostics) {
  for (const PassReport& pass : passes)
    for (const PassReport::Skip& skip : pass.skips) diagnostics.warn("not_fused", skip.node, pass.name + ": " + skip.reason);
}

/// What a caller may change is no weight: said once.
void settle_defaults(Model& model, bool freeze, Diagnostics& diagnostics) {
  if (freeze) {
    freeze_defaults(model);
    lint(model, "after pass freeze_defaults");
    return;
  }
  for (const Node* input : model.graph->placeholders())
    if (input->weight)
      diagnostics.warn("default_input", input->out()->name(),
                       "an initializer that is also a graph input: callers may change it, so it is "
                       "neither folded nor quantized as a weight (--freeze makes it constant)");
}

void widen(Model& model, Diagnostics& diagnostics) {
  const PassReport report = widen_floats(model);
  if (report.changes.empty()) return;
  lint(model, "after pass widen_floats");
  diagnostics.warn("widened", std::to_string(report.changes.size()) + " tensors", "float16 or bfloat16 in the file, computed as float32");
  for (const PassReport::Skip& skip : report.skips) diagnostics.warn("widened", skip.node, skip.reason);
}

/// What the model was trained with stays; said once.
void import_qdq(Model& model, bool complete, Diagnostics& diagnostics) {
  const size_t count = count_qdq(model);
  if (count == 0) return;
  model.set_metadata(kImportedKey, complete ? kCompleted : kKept);
  diagnostics.warn("imported", std::to_string(count) + " QuantizeLinear and DequantizeLinear",
                   complete ? "their scales are kept, what they leave float is quantized"
                            : "their scales are kept and nothing is added (--complete quantizes what they leave float)");
}

void check_opset(const Model& model, const BackendConfig& backend, Diagnostics& diagnostics) {
  const int newest = backend.placement.opset_max;
  if (newest > 0 && model.opset() > newest)
    diagnostics.warn("opset", "opset " + std::to_string(model.opset()),
                     "backend \"" + backend.name + "\" reads opsets up to " + std::to_string(newest));
}

void add_operators(const PatternNode& node, std::set<std::string>& names) {
  names.insert(node.operators.begin(), node.operators.end());
  for (const PatternNodePtr& arg : node.args) add_operators(*arg, names);
}

/// A pattern over an operator that neither qtool nor the model knows can never match: most likely a slip of the pen.
void check_operators(const Model& model, const BackendConfig& backend, Diagnostics& diagnostics) {
  std::set<std::string> known;
  for (const OpDef* row : all_ops()) known.insert(std::string(row->name));
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) known.insert(node.op);
  });
  for (const BackendPattern& pattern : backend.patterns) {
    std::set<std::string> names;
    for (const std::string& expression : pattern.expressions) add_operators(Pattern::parse(expression).root(), names);
    for (const std::string& name : names) {
      if (known.count(name) || name.find('.') != std::string::npos) continue;
      const std::string closest = nearest(name, std::vector<std::string>(known.begin(), known.end()));
      diagnostics.warn(
          "unmatched", pattern.where,
          "matches nothing, no operator is called \"" + name + "\"" + (closest.empty() ? "" : ", did you mean \"" + closest + "\"?"));
    }
  }
}

}  // namespace

static void replace_patterns(Model& model, const BackendConfig& backend, const std::function<bool(const Node&)>& allowed,
                             Diagnostics& diagnostics) {
  for (const BackendPattern& pattern : backend.patterns) {
    if (pattern.replacement.empty()) continue;
    for (const std::string& expression : pattern.expressions)
      with_frame(pattern.where,
                 [&] { report({replace_pattern(model, Pattern::parse(expression), pattern.replacement, allowed)}, diagnostics); });
    lint(model, "after pass replace_pattern");
    infer_types(model);
  }
}

std::string all_float_because(const Model& prepared) {
  const std::string* imported = prepared.find_metadata(kImportedKey);
  return imported && *imported == kKept ? "the model has its own Q/DQ, nothing is added (--complete)" : "";
}

std::vector<FusionRule> fusion_rules(const BackendConfig& backend) {
  std::vector<FusionRule> rules;
  for (const BackendPattern& pattern : backend.patterns)
    for (const std::string& expression : pattern.replacement.empty() ? pattern.expressions : std::vector<std::string>{})
      rules.push_back(with_frame(pattern.where, [&] {
        return FusionRule{Pattern::parse(expression), pattern.fused_module, pattern.fuser_method == "none" ? "" : pattern.fuser_method,
                          pattern.root_module, pattern.weight_rank};
      }));
  return rules;
}

void tidy_and_fuse(Model& model, const BackendConfig& backend, const std::function<bool(const Node&)>& allowed, Diagnostics& diagnostics) {
  replace_patterns(model, backend, allowed, diagnostics);
  report({fuse(model, fusion_rules(backend), allowed)}, diagnostics);
  lint(model, "after pass fuse");
  infer_types(model);
}

/// A call of a model that was quantized already: it is not left float.
static bool has_own_codes(const NodeDecision& decision) {
  if (decision.call->is("DequantizeLinear")) return true;
  const auto& inputs = decision.call->inputs();
  return std::any_of(inputs.begin(), inputs.end(), [](const Value* value) { return value && value->producer().is("DequantizeLinear"); });
}

void report_plan(const QuantPlan& plan, const QConfigMapping& qconfig, const std::string& all_float, Diagnostics& diagnostics) {
  if (!all_float.empty()) return;
  for (const NodeDecision& decision : plan.nodes) {
    if (decision.quantized || (plan.mode != Mode::static_range && !is_layer_left_float(decision, plan.mode))) continue;
    if (has_own_codes(decision)) continue;
    std::string reasons;
    for (const std::string& reason : decision.reasons) reasons += (reasons.empty() ? "" : "; ") + reason;
    diagnostics.warn(decision.breaks_constraint ? "constraint" : "float", decision.call->path(), reasons);
  }
  for (const std::string& rule : qconfig.unmatched_rules()) diagnostics.warn("unmatched", rule, "matches no node");
}

bool lift_for(Model& model, const QuantPlan& plan) {
  const int64_t needed = opset_for(plan);
  if (needed <= model.opset()) return false;
  lift(model, needed);
  model.ir_version = std::max<int64_t>(model.ir_version, 10);  // of opset 21, with 4-bit tensors
  lint(model, "after pass lift");
  infer_types(model);
  return true;
}

QuantPlan prepare(Model& model, const PrepareOptions& options, Diagnostics& diagnostics) {
  refuse_finished(model);
  inline_functions(model, [](const Node&) { return false; });
  settle_defaults(model, options.freeze, diagnostics);
  widen(model, diagnostics);
  tidy(model);
  lint(model, "after pass tidy");
  const int64_t lowest = std::max<int64_t>(kLowestOpset, options.backend.placement.opset_min);
  if (model.opset() < lowest) {
    lift(model, lowest);
    lint(model, "after pass lift");
    tidy(model);
  }
  check_opset(model, options.backend, diagnostics);
  check_operators(model, options.backend, diagnostics);
  const auto allowed = allowed_outside(model, options.wrap, diagnostics);
  tidy_and_fuse(model, options.backend, allowed, diagnostics);
  form_wrapped_regions(model, [&](const Node& node) { return !allowed(node); });
  lint(model, "after pass form_wrapped_regions");
  import_qdq(model, options.complete, diagnostics);
  const std::string all_float = all_float_because(model);
  const auto decide_now = [&] { return decide_in_mode(model, options.mode, options.qconfig, options.backend, {{}, all_float}); };
  QuantPlan plan = decide_now();
  if (lift_for(model, plan)) plan = decide_now();
  report_plan(plan, options.qconfig, all_float, diagnostics);
  insert_observers(model, plan);
  lint(model, "after pass insert_observers");
  model.set_metadata(kQConfigKey, options.qconfig.to_json());
  model.set_metadata(kBackendKey, options.backend.to_json());
  if (!options.wrap.empty()) {
    std::string all;
    for (const std::string& expression : options.wrap) all += expression + "\n";
    model.set_metadata(kWrapKey, all);
  }
  model.set_metadata(kModeKey, std::string(name_of(options.mode)));
  model.set_metadata(kSourceKey, options.source);
  model.set_metadata(kVersionKey, QTOOL_VERSION);
  return plan;
}

}  // namespace qtool
