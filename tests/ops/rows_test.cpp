#include <catch2/catch_test_macros.hpp>

#include "ops/interpret.h"
#include "ops/op_def.h"
#include "support/models.h"

using namespace qtool;
using namespace qtool::testing;

TEST_CASE("every row can infer, and runs unless it is control flow") {
  for (const OpDef* row : all_ops()) {
    INFO(row->name << " " << row->since);
    CHECK(row->infer != nullptr);
    CHECK((row->eval != nullptr) == (row->name != "If" && row->name != "Loop" && row->name != "Scan"));
    CHECK(find_op(row->domain, row->name, row->since) == row);
  }
}

TEST_CASE("look-up takes the newest row not above the opset") {
  CHECK(find_op("", "Softmax", 12)->since == 1);
  CHECK(find_op("", "Softmax", 13)->since == 13);
  CHECK(find_op("", "Softmax", 99)->since == 13);
  CHECK(find_op("", "Gelu", 19) == nullptr);
  CHECK(find_op("com.example", "Softmax", 13) == nullptr);
  CHECK(find_op("", "Softma", 13) == nullptr);
}

TEST_CASE("the channels of a weight") {
  Model model = model_of(
      R"(g (float[1,2,4,4] x, float[4,2,1,1] w, float[2,4,1,1] t, float[2,3] a, float[3,5] b, float[5,3] c) => (y0, y1, y2, y3, y4) {
      y0 = Conv(x, w)
      y1 = ConvTranspose(x, t)
      y2 = Gemm(a, b)
      y3 = Gemm<transB=1>(a, c)
      y4 = MatMul(a, b) })");
  const int expected[] = {0, 1, 1, 0, 1};
  for (size_t i = 0; i < 5; ++i) {
    const Node& node = model.graph->output().in(i)->producer();
    const QuantTraits& quant = find_op(model, node)->quant;
    REQUIRE(quant.kind == QuantTraits::Kind::compute);
    CHECK(quant.weight == 1);
    CHECK(quant.weight_axis(node) == expected[i]);
  }
}

TEST_CASE("quantized convolution is exact in the reference") {
  // 255 * -128 summed 4608 times needs 28 bits: more than float sums hold, less than double ones
  const Tensor x = Tensor::of<float>({1, 512, 3, 3}, std::vector<float>(4608, 255.0f)),
               w = Tensor::of<float>({1, 512, 3, 3}, std::vector<float>(4608, -127.0f));
  CHECK(run_op("Conv", 13, {x, w})[0].floats()[0] == -149230080.0f);
}

TEST_CASE("quantize divides, rounds half to even and saturates") {
  const Tensor x = Tensor::of<float>({6}, {0.5f, 1.5f, 2.5f, -0.5f, 1000.0f, -1000.0f});
  const Tensor y = run_op("QuantizeLinear", 13, {x, Tensor::scalar(1.0f), Tensor::scalar<uint8_t>(3)})[0];
  CHECK(y == Tensor::of<uint8_t>({6}, {3, 5, 5, 3, 255, 0}));
}
