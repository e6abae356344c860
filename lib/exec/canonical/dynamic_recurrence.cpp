#include "exec/canonical/dynamic_recurrence.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "exec/cluster/quantized.h"
#include "ops/helpers/rnn.h"

namespace qtool {
namespace {

std::set<std::string> names_in(const std::string& text) {
  const auto told = nlohmann::json::parse(text, nullptr, false);
  if (!told.is_object()) throw invalid_file(std::string("metadata ") + kDynamicKey + ": an object by node names expected");
  std::set<std::string> names;
  for (const auto& [name, entry] : told.items()) {
    if (!entry.is_object() || entry.value("activation", nlohmann::json()) != "uint8")
      throw invalid_file(std::string("metadata ") + kDynamicKey + ": /" + name + ": {\"activation\": \"uint8\"} expected");
    names.insert(name);
  }
  return names;
}

/// Scales of the rows of a weight [dirs, rows, k] that is behind a DQ along its axis 1, zero points 0; nothing for others.
std::optional<std::vector<float>> row_scales(const Node& node, size_t input) {
  const auto codes = codes_behind(node.in(input));
  if (!codes || !codes->constant() || codes->params->dtype != DType::int8 || codes->value->constant()->rank() != 3) return std::nullopt;
  const QuantParams& params = *codes->params;
  const Shape& shape = codes->value->constant()->shape();
  const bool centred = std::all_of(params.zero_points.begin(), params.zero_points.end(), [](int32_t zero) { return zero == 0; });
  if (!centred || (params.per_channel() && params.axis != 1 && params.axis != -2)) return std::nullopt;
  std::vector<float> scales;
  for (int64_t row = 0; row < shape[0] * shape[1]; ++row)
    scales.push_back(params.per_channel() ? params.scales[static_cast<size_t>(row % shape[1])] : params.scale());
  return scales;
}

void mark(Node& node) {
  const auto w = row_scales(node, 1), r = row_scales(node, 2);
  node.set_attribute(kDynamicAttribute, int64_t{1});
  if (!w || !r) return;
  node.set_attribute(kRowScales[0], *w);
  node.set_attribute(kRowScales[1], *r);
}

}  // namespace

void mark_dynamic_recurrences(Model& model) {
  const std::string* told = model.find_metadata(kDynamicKey);
  if (!told) return;
  const std::set<std::string> names = names_in(*told);
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.nodes()) {
      const bool is_recurrence = node.is_call() && (node.is("LSTM") || node.is("GRU") || node.is("RNN"));
      if (is_recurrence && (names.count(node.name) != 0 || (node.name.empty() && names.count(node.path()) != 0))) mark(node);
    }
  });
}

}  // namespace qtool
