#include <catch2/catch_test_macros.hpp>

#include "onnxio/onnxio.h"
#include "support/models.h"

using namespace qtool;
using testing::model_of;

TEST_CASE("onnx text: nodes, weights and names in brackets") {
  Model model = model_of(R"(
    g (float[N, 3] x) => (float[N, 2] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}> {
      [first/mul] m = MatMul(x, w)
      y = Relu(m)
    })");
  CHECK(to_table(model) ==
        "opcode         name    target          args    kwargs\n"
        "placeholder    x       x               ()      {}\n"
        "get_attr       w       w               ()      {}\n"
        "call_function  m       ai.onnx.MatMul  (x, w)  {}\n"
        "call_function  y       ai.onnx.Relu    (m,)    {}\n"
        "output         output  output          (y,)    {}\n");
  CHECK(model.graph->find("m")->producer().name == "first/mul");
  CHECK(model.graph->find("y")->producer().name.empty());
  CHECK(model.graph->find("w")->constant()->to_floats() == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("onnx text: a body uses a value of the graph around it") {
  Model model = model_of(R"(
    g (float[2] x, bool c) => (float[2] y) {
      y = If (c) <then_branch = t () => (float[2] a) { [inner] a = Relu(x) },
                  else_branch = e () => (float[2] b) { b = Neg(x) }>
    })");
  const Node& node = model.graph->find("y")->producer();
  CHECK(node.captures() == std::vector<Value*>{model.graph->find("x")});
  REQUIRE(node.bodies().size() == 2);
  CHECK(node.bodies()[0].graph->find("a")->producer().path() == "If_y/then_branch/inner");
}

TEST_CASE("onnx text: functions are modules") {
  Model model = model_of(R"(
    <ir_version: 8, opset_import: ["" : 17, "m" : 1]>
    g (float[2] x) => (float[2] y) { y = m.Twice(x) }
    <domain: "m", opset_import: ["" : 17]>
    Twice (a) => (b) { b = Add(a, a) })");
  CHECK(model.graph->find("y")->producer().kind() == NodeKind::call_module);
  REQUIRE(model.functions.size() == 1);
  CHECK(model.function_of(model.graph->find("y")->producer()).body->placeholders().size() == 1);
}

TEST_CASE("test support: inputs become weights") {
  Model model = model_of("g (float[1, 3] x, float[3, 2] w) => (float[1, 2] y) { y = MatMul(x, w) }");
  testing::add_weights(model, {"w"});
  lint(model, "add_weights");
  CHECK(model.graph->placeholders().size() == 1);
  REQUIRE(model.graph->find("w")->constant());
  CHECK(model.graph->find("w")->constant()->shape() == Shape{3, 2});
  CHECK(onnxio::serialize(testing::reloaded(model)) == onnxio::serialize(model));
}
