// Files of other quantizers: other names, activations left to the rounding.

#include "debug/pairing.h"

#include <catch2/catch_test_macros.hpp>

#include "planted.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

/// Nothing keeps its name but inputs and outputs of the graph.
void forget_names(Model& model) {
  Graph& graph = *model.graph;
  size_t number = 0;
  for (Node& node : graph.nodes()) {
    node.name = "";
    if (node.kind() == NodeKind::placeholder || node.kind() == NodeKind::output) continue;
    if (!node.out(0)->is_graph_output()) graph.rename(*node.out(0), "t" + std::to_string(number++));
  }
}

}  // namespace

TEST_CASE("pairing: names without the endings of quantizers") {
  CHECK(debug::float_names("x_raw").back() == "x");
  CHECK(debug::float_names("x_QuantizeLinear_Input").back() == "x");
  CHECK(debug::float_names("x_DequantizeLinear_Output").back() == "x");
  CHECK(debug::float_names("dq_output_x_1").back() == "x");
  CHECK(debug::float_names("x") == std::vector<std::string>{"x"});
}

TEST_CASE("pairing: by position where no name is left") {
  Planted planted(three_convs());
  planted.quantize();
  forget_names(planted.int8);
  const debug::Report report = planted.report();
  CHECK(report.by_position >= 3);
  CHECK(report.int8_alone.empty());
  CHECK(report.exactness_db > 100);
}

TEST_CASE("pairing: a Relu that the rounding behind it does") {
  Planted planted(three_convs());
  planted.quantize();
  const debug::Report before = planted.report();
  for (Node& node : planted.int8.graph->editable())
    if (node.is("Relu")) {
      planted.int8.graph->replace_uses(*node.out(0), *node.in(0));
      planted.int8.graph->erase(node);
    }
  const debug::Report report = planted.report();
  CHECK(report.exactness_db > 100);
  CHECK(report.float_alone.empty());
  for (const char* name : {"a", "b"}) {
    const auto of = [&](const debug::Report& each) {
      for (const auto& node : each.nodes)
        if (node.name == name) return node.isolated->sqnr_db;
      return 0.0;
    };
    CHECK(std::abs(of(report) - of(before)) < 0.1);
  }
}
