// Float tables (embeddings, positions): which are kept as codes, with which parameters.
#include <catch2/catch_approx.hpp>

#include "converted.h"
#include "quantize/decide.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

/// Tokens -> embedding -> `middle` (e -> a) -> a product in int8; `outputs` beside it.
Model embedding(const std::string& middle, const std::string& outputs = "") {
  Model model = model_of(
      "g (int64[1, 16] i, float[64, 32] table, float[1, 16, 128] pos, float[128] gain, float[32, 128] w1, float[128, 8] w2)"
      " => (float[1, 16, 8] y" +
          outputs + R"() {
      [gather] e = Gather (table, i)
      )" + middle +
          R"(
      [out] y = MatMul (a, w2)
    })",
      17);
  add_weights(model, {"table", "pos", "gain", "w1", "w2"});
  return model;
}

const char* const kProjected =
    "[project] p = MatMul (e, w1)\n[bias] b = Add (p, gain)\n[add] s = Add (b, pos)\n[norm] a = LayerNormalization (s, gain)";

/// The codes behind the DQ that feeds input `i` of a node; null where there is none.
const Value* codes_of(const Node& node, size_t i) {
  const Node& producer = node.in(i)->producer();
  return producer.is("DequantizeLinear") ? producer.in(0) : nullptr;
}

}  // namespace

TEST_CASE("an embedding whose result is taken as codes: one scale for table and result, the whole table in range") {
  Model model = embedding(kProjected);
  model.graph->find("table")->producer().weight->tensor.mutable_data<float>()[5] = -7;  // calibration saw [-1, 3]
  const Model result = converted(std::move(model));
  const Node& gather = node_named(result, "gather");
  const Node& table = gather.in(0)->producer();
  REQUIRE(table.is("DequantizeLinear"));
  CHECK(table.in(0)->constant()->dtype() == DType::uint8);
  REQUIRE(gather.out(0)->uses().size() == 1);
  const Node& quantize = *gather.out(0)->uses()[0].node;
  CHECK(quantize.is("QuantizeLinear"));
  CHECK(quantize.in(1) == table.in(1));
  CHECK(quantize.in(2) == table.in(2));
  const float scale = table.in(1)->constant()->floats()[0];
  CHECK(scale * static_cast<float>(255) == Catch::Approx(8).margin(0.05));
}

TEST_CASE("an embedding that is read as float is kept by rows") {
  const Model result = converted(embedding("[norm] n = LayerNormalization (e, gain)\n[project] a = MatMul (n, w1)"));
  const Node& table = node_named(result, "gather").in(0)->producer();
  REQUIRE(table.is("DequantizeLinear"));
  CHECK(table.attr_or("axis", int64_t{-1}) == 0);
  CHECK(table.in(0)->constant()->dtype() == DType::int8);
  CHECK(table.in(1)->constant()->size() == 64);
}

TEST_CASE("positions that are added in float are kept as codes when all that follows meets codes") {
  const Model result = converted(embedding(kProjected));
  const Value* codes = codes_of(node_named(result, "add"), 1);
  REQUIRE(codes);
  CHECK(codes->constant()->dtype() == DType::uint8);
}

TEST_CASE("a constant keeps its digits where what it is added to leaves the graph in float") {
  const Model result = converted(embedding(kProjected, ", float[1, 16, 128] s"));
  CHECK_FALSE(codes_of(node_named(result, "add"), 1));
}

TEST_CASE("a constant keeps its digits where the qconfig leaves its reader float, and where it is small") {
  const auto kept_float =
      x86(R"({"global": {"activation": {"observer": "minmax", "dtype": "uint8"}, "weight": {"observer": "minmax", "dtype": "int8",
    "qscheme": "per_tensor_symmetric"}}, "module_name": {"add": null, "gather": null}})");
  const Model result = converted(embedding(kProjected), kept_float);
  CHECK_FALSE(codes_of(node_named(result, "add"), 1));
  CHECK_FALSE(codes_of(node_named(result, "gather"), 0));
  const Model small = converted(embedding(
      "[project] p = MatMul (e, w1)\n[bias] b = Add (p, gain)\n[add] s = Add (b, gain)\n[norm] a = LayerNormalization (s, gain)"));
  CHECK_FALSE(codes_of(node_named(small, "add"), 1));
}
