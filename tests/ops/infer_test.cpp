#include <catch2/catch_test_macros.hpp>

#include "ops/op_def.h"
#include "support/models.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

/// "float32 [N, 3, ?]" of a value of the main graph or, with a path, of a body.
std::string text_of(const ValueType& type) {
  std::string text(name_of(type.dtype));
  if (!type.dims) return text + " ?";
  std::string dims;
  for (const Dim& dim : *type.dims)
    dims += (dims.empty() ? "" : ", ") + (dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  return text + " [" + dims + "]";
}

std::string inferred(const std::string& text, int opset = 17, const std::string& value = "y") {
  Model model = model_of(text, opset);
  infer_types(model);
  return text_of(model.graph->find(value)->type);
}

}  // namespace

TEST_CASE("an unknown batch stays, what is known goes through") {
  CHECK(inferred("g (float[N,3,8,8] x, float[4,3,3,3] w) => (y) { y = Conv<pads=[1,1,1,1],strides=[2,2]>(x, w) }") ==
        "float32 [N, 4, 4, 4]");
  CHECK(inferred("g (float[N,3,8,8] x) => (y) { y = MaxPool<kernel_shape=[2,2],strides=[2,2]>(x) }") == "float32 [N, 3, 4, 4]");
  CHECK(inferred("g (float[N,3,8,8] x) => (y) { y = GlobalAveragePool(x) }") == "float32 [N, 3, 1, 1]");
  CHECK(inferred("g (float[N,3,8,8] x) => (y) { y = Flatten(x) }") == "float32 [N, 192]");
  CHECK(inferred("g (float[N,6] x, float[4,6] w) => (y) { y = Gemm<transB=1>(x, w) }") == "float32 [N, 4]");
  CHECK(inferred("g (float[N,T,6] x, float[6,4] w) => (y) { y = MatMul(x, w) }") == "float32 [N, T, 4]");
  CHECK(inferred("g (float[N,1,6] x, float[5,1] b) => (y) { y = Add(x, b) }") == "float32 [N, 5, 6]");
  CHECK(inferred("g (float[N,2] x, float[N,3] z) => (y) { y = Concat<axis=1>(x, z) }") == "float32 [N, 5]");
}

TEST_CASE("shape arithmetic is computed") {
  CHECK(inferred(R"(g (float[2,3,4] x) => (y) {
      s = Shape(x)
      i = Constant<value = int64[1] {0}>()
      n = Gather(s, i)
      rest = Constant<value = int64[1] {-1}>()
      to = Concat<axis=0>(n, rest)
      y = Reshape(x, to) })") == "float32 [2, 12]");
  CHECK(inferred("g (float[2,3] x) => (y) { s = Shape(x)\n y = ConstantOfShape(s) }") == "float32 [2, 3]");
}

TEST_CASE("an unknown reshape target still tells the rank") {
  CHECK(inferred("g (float[N,6] x, int64[3] to) => (y) { y = Reshape(x, to) }") == "float32 [?, ?, ?]");
}

TEST_CASE("both branches of If must agree on what is said of the output") {
  CHECK(inferred(R"(g (bool c, float[2,3] x) => (y) {
      y = If (c) <
        then_branch = t () => (a) { a = Relu(x) },
        else_branch = e () => (b) { two = Constant<value = int64[2] {1, 2}>()
                                    b = Tile(x, two) }
      > })") == "float32 [2, ?]");
}

TEST_CASE("a carried value that grows loses its dimension; scan outputs gain one") {
  const char* text = R"(g (int64 n, bool c, float[1,3] x) => (y, all) {
      y, all = Loop (n, c, x) <
        body = b (int64 i, bool k, float[r,3] before) => (bool k_out, float[q,3] after, float[p,3] seen) {
          k_out = Identity(k)
          after = Concat<axis=0>(before, x)
          seen = Relu(x) }
      > })";
  Model model = model_of(text);
  infer_types(model);
  CHECK(model.graph->find("y")->type.dims->at(1).value == 3);
  CHECK(!model.graph->find("y")->type.dims->at(0).known());
  CHECK(model.graph->find("all")->type.dims->size() == 3);
}

TEST_CASE("inputs that cannot be right are refused with the node's path") {
  Model model = model_of("g (float[2,3] x, float[4,5] w) => (y) { y = MatMul(x, w) }");
  CHECK_THROWS_AS(infer_types(model), Error);
}
