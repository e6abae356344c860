// float16 models become float32 inside, and keep their borders.
#include <catch2/catch_test_macros.hpp>

#include "pass/tidy.h"
#include "support/models.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

size_t halves(Graph& top) {
  size_t found = 0;
  for_each_graph(top, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      for (const auto& value : node.outputs()) found += value && value->type.dtype == DType::float16;
  });
  return found;
}

}  // namespace

TEST_CASE("widen_floats: inputs and outputs keep type and name, everything between is float32") {
  Model model = model_of(R"(g (float16[2, 4] x, float16[4, 4] w) => (float16[2, 4] y) {
    p = MatMul (x, w)
    c = Cast <to = 10> (p)
    y = Relu (c)
  })");
  add_weights(model, {"w"});
  CHECK_FALSE(widen_floats(model).changes.empty());
  lint(model, "after widen_floats");
  CHECK(halves(*model.graph) == 2);
  CHECK(model.graph->placeholders()[0]->out()->type.dtype == DType::float16);
  const Value& y = *model.graph->output().in(0);
  CHECK(y.name() == "y");
  CHECK(y.type.dtype == DType::float16);
  CHECK(y.producer().is("Cast"));
  CHECK(model.graph->find("w")->constant()->dtype() == DType::float32);
  CHECK(model.graph->find("c")->producer().attr_or("to", 0) == static_cast<int64_t>(DType::float32));
}

TEST_CASE("widen_floats: bodies follow, and captures with them") {
  Model model = model_of(R"(g (float16[2] x, bool b) => (float16[2] y) {
    r = Relu (x)
    y = If (b) <then_branch = t () => (float16[2] u) { u = Neg (r) }, else_branch = e () => (float16[2] v) { v = Identity (x) }>
  })");
  widen_floats(model);
  lint(model, "after widen_floats");
  CHECK(halves(*model.graph) == 2);
  CHECK(model.graph->find("r")->type.dtype == DType::float32);
}

TEST_CASE("widen_floats: an unknown operator is fed what it was fed, and said") {
  Model model = model_of(R"(<ir_version: 8, opset_import: ["" : 17, "custom" : 1]>
    g (float16[2] x) => (float16[2] y) <float16[2] t> {
    r = Relu (x)
    t = custom.Twist (r)
    y = Neg (t)
  })");
  const PassReport report = widen_floats(model);
  lint(model, "after widen_floats");
  REQUIRE(report.skips.size() == 1);
  const Node& twist = model.graph->find("t")->producer();
  CHECK(twist.in(0)->type.dtype == DType::float16);
  CHECK(model.graph->output().in(0)->type.dtype == DType::float16);
}

TEST_CASE("widen_floats leaves a float32 model alone") {
  Model model = model_of("g (float[2] x) => (float[2] y) { y = Relu (x) }");
  CHECK(widen_floats(model).changes.empty());
}

TEST_CASE("freeze_defaults: an initializer that is an input becomes a weight of the same name") {
  Model model = model_of("g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}> { y = Mul (x, w) }");
  REQUIRE(model.graph->placeholders().size() == 2);
  CHECK(freeze_defaults(model).changes.size() == 1);
  lint(model, "after freeze_defaults");
  CHECK(model.graph->placeholders().size() == 1);
  REQUIRE(model.graph->find("w")->constant());
}
