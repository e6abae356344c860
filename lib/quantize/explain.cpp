// The plan as text and JSON: `prepare --explain`.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "graph/observer.h"
#include "quantize/quant_plan.h"

namespace qtool {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(TensorDecision::Kind kind) {
  switch (kind) {
    case TensorDecision::Kind::observed:
      return "observed";
    case TensorDecision::Kind::shared:
      return "shared";
    case TensorDecision::Kind::fixed:
      return "fixed";
  }
  return "?";
}

std::string joined(const std::vector<std::string>& reasons) {
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

/// The first tensor of a group, which the others are said to share with.
const Value* leader(const QuantPlan& plan, size_t group) {
  for (const Value* value : plan.order)
    if (plan.tensors.at(value).group == group && plan.tensors.at(value).kind != TensorDecision::Kind::shared) return value;
  return nullptr;
}

std::string told(const QuantPlan& plan, const Value& value) {
  const TensorDecision& decision = plan.tensors.at(&value);
  const std::string type = std::string(name_of(decision.spec.dtype)) + " " + std::string(name_of(decision.spec.qscheme));
  if (decision.kind == TensorDecision::Kind::observed)
    return "observed by " + decision.spec.observer + ", " + type + " (" + decision.rule + ")";
  if (decision.kind == TensorDecision::Kind::fixed)
    return "fixed: scale " + std::to_string(decision.fixed->scale()) + ", zero point " + std::to_string(decision.fixed->zero_point());
  const Value* first = leader(plan, decision.group);
  return "shares the parameters of " + (first ? first->path() : "its group");
}

/// What a quantized call is said to be.
std::string_view decision_in(Mode mode) { return mode == Mode::static_range ? "int8" : name_of(mode); }

std::string name_of_table(const StoredTable& table) { return table.call->in(table.input)->name(); }

std::string layout_of(const StoredTable& table) {
  if (table.spec.group_size > 0) return " in groups of " + std::to_string(table.spec.group_size);
  if (table.axis < 0 || !is_per_channel(table.spec.qscheme)) return "";
  return table.call->is("Gather") ? " by rows" : " per channel";
}

std::string told(const StoredTable& table) {
  return "kept as " + std::string(name_of(table.spec.dtype)) + layout_of(table) + ", read as float by " + table.call->path() + " (" +
         table.rule + ")";
}

/// A float tensor that a call of the plan reads or writes and that stays float.
struct FloatTensor {
  const Value* value;
  std::string reason;
};

std::string reason_of(const NodeDecision& decision) {
  return decision.call->path() + " is float: " + (decision.reasons.empty() ? "no int8 form" : decision.reasons.front());
}

/// Why nobody makes codes of this tensor: its maker's reason, else its first float reader's.
std::string float_because(const QuantPlan& plan, const Value& value) {
  const NodeDecision* maker = plan.decision_of(value.producer());
  if (maker && !maker->quantized) return reason_of(*maker);
  for (const Use& use : value.uses())
    if (const NodeDecision* taker = plan.decision_of(*use.node); taker && !taker->quantized) return reason_of(*taker);
  if (maker && maker->float_output) return "the backend wants codes in front of calls alone";
  return value.is_graph_output() ? "it is an output nobody takes codes of" : "nobody takes codes of it";
}

bool is_float(const Value& value) { return value.type.dtype == DType::float32 || value.type.dtype == DType::undefined; }

std::vector<FloatTensor> float_tensors(const QuantPlan& plan) {
  std::vector<FloatTensor> found;
  if (plan.mode != Mode::static_range) return found;
  std::unordered_set<const Value*> seen;
  const auto add = [&](const Value* value) {
    if (!value || value->constant() || is_observer(value->producer()) || !is_float(*value) || plan.tensors.count(value) ||
        !seen.insert(value).second)
      return;
    found.push_back({value, float_because(plan, *value)});
  };
  for (const NodeDecision& decision : plan.nodes) {
    for (const Value* value : decision.call->inputs()) add(value);
    for (const auto& value : decision.call->outputs()) add(value.get());
  }
  return found;
}

Json tensor_json(const QuantPlan& plan, const Value& value) {
  const TensorDecision& decision = plan.tensors.at(&value);
  Json json{{"tensor", value.path()},
            {"decision", name_of(decision.kind)},
            {"group", decision.group},
            {"observer", decision.spec.observer},
            {"dtype", name_of(decision.spec.dtype)},
            {"qscheme", name_of(decision.spec.qscheme)},
            {"rule", decision.rule}};
  if (decision.fixed) json["scale"] = decision.fixed->scale(), json["zero_point"] = decision.fixed->zero_point();
  return json;
}

}  // namespace

std::string explain_text(const QuantPlan& plan) {
  size_t width = 0;
  for (const NodeDecision& decision : plan.nodes) width = std::max(width, decision.call->path().size());
  for (const Value* value : plan.order) width = std::max(width, value->path().size());
  width = std::min<size_t>(width, 60) + 2;
  std::string text = "nodes\n";
  for (const NodeDecision& decision : plan.nodes)
    text += "  " + padded(decision.call->path(), width) +
            (decision.quantized ? std::string(decision_in(plan.mode)) + "  " + decision.pattern + " (" + decision.rule + ")"
                                : "float because " + joined(decision.reasons)) +
            "\n";
  text += "tensors\n";
  for (const Value* value : plan.order) text += "  " + padded(value->path(), width) + told(plan, *value) + "\n";
  for (const FloatTensor& each : float_tensors(plan))
    text += "  " + padded(each.value->path(), width) + "float because " + each.reason + "\n";
  if (!plan.tables.empty()) text += "tables\n";
  for (const StoredTable& table : plan.tables) text += "  " + padded(name_of_table(table), width) + told(table) + "\n";
  return text;
}

std::string explain_json(const QuantPlan& plan) {
  Json json{{"nodes", Json::array()}, {"tensors", Json::array()}, {"tables", Json::array()}};
  for (const NodeDecision& decision : plan.nodes)
    json["nodes"].push_back({{"node", decision.call->path()},
                             {"target", decision.call->target()},
                             {"decision", decision.quantized ? decision_in(plan.mode) : "float"},
                             {"pattern", decision.pattern},
                             {"rule", decision.rule},
                             {"reasons", decision.reasons}});
  for (const Value* value : plan.order) json["tensors"].push_back(tensor_json(plan, *value));
  for (const FloatTensor& each : float_tensors(plan))
    json["tensors"].push_back({{"tensor", each.value->path()}, {"decision", "float"}, {"reason", each.reason}});
  for (const StoredTable& table : plan.tables)
    json["tables"].push_back({{"constant", name_of_table(table)},
                              {"node", table.call->path()},
                              {"dtype", name_of(table.spec.dtype)},
                              {"axis", table.axis},
                              {"rule", table.rule}});
  return json.dump(2);
}

}  // namespace qtool
