// print --format code and dot.

#include "graph/print.h"

#include <catch2/catch_test_macros.hpp>

#include "support/models.h"

using namespace qtool;
using testing::model_of;

namespace {

void rename(Model& model, const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [from, to] : names) model.graph->rename(*model.graph->find(from), to);
}

}  // namespace

TEST_CASE("code: one assignment a node, weights by their path, attributes as keywords") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x) => (float[1, 4, 8, 8] y) <float[4, 3, 1, 1] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}> {
      c = Conv <strides = [1, 1], auto_pad = "VALID"> (x, w)
      y = LeakyRelu <alpha = 0.5> (c)
    })");
  rename(model, {{"w", "conv.w"}, {"c", "/conv/out"}});
  CHECK(to_code(model) == R"(def forward(self, x):
    conv_w = self.conv.w
    _conv_out = ai.onnx.Conv(x, conv_w, strides = [1, 1], auto_pad = 'VALID')
    y = ai.onnx.LeakyRelu(_conv_out, alpha = 0.5)
    return (y,)
)");
}

TEST_CASE("code: functions stand below, bodies in front of their call, names are Python's and unique") {
  Model model = model_of(R"(<ir_version: 8, opset_import: ["" : 17, "m" : 1]>
    g (float[2] i, bool c, float[2] ab, float[2] a_b) => (float[2] y) {
      r = m.Twice(i)
      s, t = m.Two(ab, a_b)
      y = If (c) <then_branch = f () => (float[2] q) { q = Relu(r) }, else_branch = e () => (float[2] z) { z = Neg(s) }>
    }
    <domain: "m", opset_import: ["" : 17]> Twice (v) => (w) { w = Add(v, v) }
    <domain: "m", opset_import: ["" : 17]> Two (v, u) => (w, o) { w = Add(v, u)
      o = Identity(v) })");
  rename(model, {{"i", "if"}, {"ab", "a.b"}});
  CHECK(to_code(model) == R"(def forward(self, _if, c, a_b, a_b_1):
    r = self.Twice(_if)
    s, t = self.Two(a_b, a_b_1)
    def then_branch():
        q = ai.onnx.Relu(r)
        return (q,)
    def else_branch():
        z = ai.onnx.Neg(s)
        return (z,)
    y = ai.onnx.If(c, then_branch = then_branch, else_branch = else_branch)
    return (y,)

def Twice(self, v):
    w = ai.onnx.Add(v, v)
    return (w,)

def Two(self, v_1, u):
    w_1 = ai.onnx.Add(v_1, u)
    o = ai.onnx.Identity(v_1)
    return (w_1, o)
)");
}

TEST_CASE("dot: boxes, ovals and edges with types; weights in the boxes; bodies as clusters") {
  const Model model = model_of(R"(
    g (float[N, 3] x, bool c) => (float[N, 2] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}> {
      [first] m = MatMul(x, w)
      [pick] y = If (c) <then_branch = f () => (float[N, 2] q) { q = Relu(m) }, else_branch = e () => (float[N, 2] z) { z = Neg(m) }>
    })");
  const std::string dot = to_dot(model);
  CHECK(dot.starts_with("digraph \"g\" {\n"));
  CHECK(dot.find(R"(n1 [label="x float32 Nx3", shape=oval])") != std::string::npos);
  CHECK(dot.find(R"([label="MatMul\nfirst\nw float32 3x2"])") != std::string::npos);
  CHECK(dot.find(R"(label="pick/then_branch")") != std::string::npos);
  CHECK(dot.find(R"(n1 -> n3 [label="x float32 Nx3"])") != std::string::npos);
  CHECK(dot.find("n1 -> n3 [") == dot.rfind("n1 -> n3 ["));
}
