#pragma once
// Small models through prepare and convert, and what tests ask of the result.

#include <catch2/catch_test_macros.hpp>

#include "quantize/convert.h"
#include "quantize/observers.h"
#include "support/models.h"

namespace qtool::testing {

inline PrepareOptions x86(const std::string& qconfig = "") {
  return {
      qconfig.empty() ? QConfigMapping::built_in("x86") : QConfigMapping::parse(qconfig, "q.json"), BackendConfig::built_in("x86"), {}, {}};
}

/// Statistics as if every observer had seen [-1, 3].
inline Stats seen_everywhere(const Model& prepared) {
  Stats stats;
  for_each_graph(*prepared.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) {
      if (!is_observer(node)) continue;
      const std::vector<float> values{-1, 0, 1, 2, 3};
      stats.tensors[observed_tensor(node)].observe(values, SampleId("a"));
    }
  });
  return stats;
}

inline Model converted(Model model, const PrepareOptions& options = x86()) {
  Diagnostics diagnostics;
  prepare(model, options, diagnostics);
  convert(model, seen_everywhere(model), {}, diagnostics);
  return model;
}

inline const Node& node_named(const Model& model, const std::string& name) {
  for (const Node& node : model.graph->nodes())
    if (node.name == name) return node;
  FAIL("no node " + name);
  throw 0;
}

inline size_t count(const Model& model, const std::string& op) {
  size_t found = 0;
  for (const Node& node : model.graph->nodes()) found += node.is(op);
  return found;
}

inline const NodeDecision& decision(const QuantPlan& plan, const std::string& name) {
  for (const NodeDecision& each : plan.nodes)
    if (each.call->name == name) return each;
  FAIL("no decision for " + name);
  throw 0;
}

}  // namespace qtool::testing
