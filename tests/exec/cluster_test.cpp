// One test a row of the table in exec/cluster.h, and one for each way a row must not apply.

#include <catch2/catch_test_macros.hpp>

#include "exec/cluster.h"
#include "ops/op_def.h"
#include "support/models.h"

using namespace qtool;
using testing::add_weights;
using testing::model_of;

namespace {

std::string clusters_of(const std::string& text, const std::vector<std::string>& weights = {}) {
  Model model = model_of(text);
  add_weights(model, weights);
  infer_types(model);
  return to_text(cluster(model, *model.graph));
}

/// Scales and zero points used by the quantized models below.
const std::string kParams =
    "float s = {0.1}, float t = {0.2}, uint8 z = {3}, uint8 k = {7}, int8 zw = {0}, int32 zb = {0}, "
    "float[4] sw = {0.1, 0.2, 0.3, 0.4}, int8[4] zws = {0, 0, 0, 0}, int32[4] zbs = {0, 0, 0, 0}, float[1] s1 = {0.1}, uint8[1] z1 = {3}";

/// A graph over codes x_q [1, 4, 8, 8] and r_q, a 1x1 convolution's weights w_q, b_q, ending in `output`.
std::string quantized(const std::string& output, const std::string& body) {
  return clusters_of("g (uint8[1, 4, 8, 8] x_q, uint8[1, 4, 8, 8] r_q, int8[4, 4, 1, 1] w_q, int32[4] b_q, uint8[1, 4, 1, 1] c_q) => (" +
                         output + ") <" + kParams + "> {\n" + body + "}",
                     {"w_q", "b_q", "c_q"});
}

const std::string kConv =
    "x = DequantizeLinear(x_q, s, z)\n"
    "w = DequantizeLinear <axis = 0> (w_q, sw, zws)\n"
    "b = DequantizeLinear <axis = 0> (b_q, sw, zbs)\n"
    "c = Conv(x, w, b)\n";

}  // namespace

TEST_CASE("cluster: DQ DQ DQ -> Conv -> Q") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", kConv + "y_q = QuantizeLinear(c, t, z)\n") == "compute Conv: p x_q, p w_q, p b_q -> p y_q\n");
}

TEST_CASE("cluster: the nodes of a cluster are its operator and all Q and DQ nobody else reads") {
  Model model = model_of(R"(
    g (uint8[2, 3] x_q) => (uint8[2, 3] y_q, uint8[2, 3] u_q) <float s = {0.1}, uint8 z = {3}, uint8[2, 3] a_q = {1, 2, 3, 4, 5, 6}> {
      [dx] x = DequantizeLinear(x_q, s, z)
      [da] a = DequantizeLinear(a_q, s, z)
      [add] c = Add(x, a)
      [act] r = Relu(c)
      [q] y_q = QuantizeLinear(r, s, z)
      [neg] n = Neg(x)
      [qn] u_q = QuantizeLinear(n, s, z)
    })");
  infer_types(model);
  const auto clusters = cluster(model, *model.graph);
  REQUIRE(clusters.size() == 2);
  std::string names;
  for (const Node* node : clusters[0].nodes) names += node->name + " ";
  CHECK(names == "da add act q ");  // x is read twice: its DQ belongs to both clusters and is listed in neither
}

TEST_CASE("cluster: without zero points, with parameters of shape [1]") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q",
                  "x = DequantizeLinear(x_q, s1, z1)\n w = DequantizeLinear(w_q, s)\n c = Conv(x, w)\n y_q = QuantizeLinear(c, s1)\n") ==
        "compute Conv: p x_q, p w_q -> p y_q\n");
}

TEST_CASE("cluster: DQ DQ DQ -> Conv -> Relu -> Q") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", kConv + "a = Relu(c)\n y_q = QuantizeLinear(a, t, z)\n") ==
        "compute Conv: p x_q, p w_q, p b_q; activation(Relu) -> p y_q\n");
}

TEST_CASE("cluster: DQ DQ DQ -> Conv -> Q -> DQ -> Add(., DQ) -> Relu -> Q") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", kConv + "c_q8 = QuantizeLinear(c, t, z)\n d = DequantizeLinear(c_q8, t, z)\n"
                                                   "r = DequantizeLinear(r_q, s, k)\n e = Add(d, r)\n a = Relu(e)\n"
                                                   "y_q = QuantizeLinear(a, s, z)\n") ==
        "compute Conv: p x_q, p w_q, p b_q; requantize, add(p r_q), activation(Relu) -> p y_q\n");
}

TEST_CASE("cluster: DQ DQ DQ -> Conv -> Q -> DQ -> HardSwish -> Q") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", kConv + "c_q8 = QuantizeLinear(c, t, z)\n d = DequantizeLinear(c_q8, t, z)\n"
                                                   "a = HardSigmoid(d)\n y_q = QuantizeLinear(a, s, z)\n") ==
        "compute Conv: p x_q, p w_q, p b_q; requantize, activation(HardSigmoid) -> p y_q\n");
}

TEST_CASE("cluster: codes with two readers end the cluster") {
  CHECK(quantized(
            "uint8[1, 4, 8, 8] y_q, uint8[1, 4, 8, 8] m_q",
            kConv + "c_q8 = QuantizeLinear(c, t, z)\n d = DequantizeLinear(c_q8, t, z)\n r = DequantizeLinear(r_q, s, k)\n e = Add(d, r)\n"
                    "y_q = QuantizeLinear(e, s, z)\n m = MaxPool <kernel_shape = [1, 1]> (d)\n m_q = QuantizeLinear(m, t, z)\n") ==
        "compute Conv: p x_q, p w_q, p b_q -> p c_q8\n"
        "arithmetic Add: p c_q8, p r_q -> p y_q\n"
        "pass_through MaxPool: p c_q8 -> p m_q\n");
}

TEST_CASE("cluster: an Add without Q behind keeps out of the convolution's cluster") {
  CHECK(quantized("float[1, 4, 8, 8] e", kConv + "c_q8 = QuantizeLinear(c, t, z)\n d = DequantizeLinear(c_q8, t, z)\n"
                                                 "r = DequantizeLinear(r_q, s, k)\n e = Add(d, r)\n") ==
        "compute Conv: p x_q, p w_q, p b_q -> p c_q8\n"
        "dequantize DequantizeLinear: p c_q8 -> f d\n"
        "dequantize DequantizeLinear: p r_q -> f r\n"
        "arithmetic Add: f d, f r -> f e\n");
}

TEST_CASE("cluster: the cluster stands where its last node stands") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", kConv + "c_q8 = QuantizeLinear(c, t, z)\n d = DequantizeLinear(c_q8, t, z)\n"
                                                   "r = DequantizeLinear(r_q, s, k)\n n = Neg(r)\n n_q = QuantizeLinear(n, s, k)\n"
                                                   "o = DequantizeLinear(n_q, s, k)\n e = Add(d, o)\n y_q = QuantizeLinear(e, s, z)\n") ==
        "unary Neg: p r_q -> p n_q\n"
        "compute Conv: p x_q, p w_q, p b_q; requantize, add(p n_q) -> p y_q\n");
}

TEST_CASE("cluster: two Q on one output leave it float") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q, uint8[1, 4, 8, 8] u_q",
                  kConv + "y_q = QuantizeLinear(c, t, z)\n u_q = QuantizeLinear(c, s, z)\n") ==
        "compute Conv: p x_q, p w_q, p b_q -> f c\n"
        "quantize QuantizeLinear: f c -> p y_q\n"
        "quantize QuantizeLinear: f c -> p u_q\n");
}

TEST_CASE("cluster: per-channel weights on a wrong axis are computed as they stand") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q",
                  "x = DequantizeLinear(x_q, s, z)\n w = DequantizeLinear <axis = 1> (w_q, sw, zws)\n c = Conv(x, w)\n"
                  "y_q = QuantizeLinear(c, t, z)\n") ==
        "dequantize DequantizeLinear: p x_q -> f x\n"
        "node DequantizeLinear: f w_q, f sw, f zws -> f w\n"
        "compute Conv: f x, f w -> f c\n"
        "quantize QuantizeLinear: f c -> p y_q\n");
}

TEST_CASE("cluster: a per-channel activation is computed as it stands") {
  CHECK(quantized("float[1, 4, 8, 8] y", "x = DequantizeLinear <axis = 1> (r_q, sw)\n y = Relu(x)\n") ==
        "node DequantizeLinear: f r_q, f sw -> f x\n"
        "unary Relu: f x -> f y\n");
}

TEST_CASE("cluster: DQ DQ -> MatMul, bare and with a bias") {
  const std::string text =
      "g (uint8[5, 4] x_q, int8[4, 3] w_q, float[3] bias) => (float[5, 3] y) <float s = {0.1}, uint8 z = {3}, int8 zw = {0}> {\n"
      "x = DequantizeLinear(x_q, s, z)\n w = DequantizeLinear(w_q, s, zw)\n";
  CHECK(clusters_of(text + "y = MatMul(x, w)}", {"w_q", "bias"}) == "compute MatMul: p x_q, p w_q -> f y\n");
  CHECK(clusters_of(text + "m = MatMul(x, w)\n y = Add(m, bias)}", {"w_q", "bias"}) ==
        "compute MatMul: p x_q, p w_q; add(f bias) -> f y\n");
}

TEST_CASE("cluster: weights alone quantized leave the product float") {
  CHECK(clusters_of("g (float[5, 4] x, int8[4, 3] w_q) => (float[5, 3] y) <float s = {0.1}, int8 zw = {0}> {\n"
                    "w = DequantizeLinear(w_q, s, zw)\n y = MatMul(x, w)}",
                    {"w_q"}) == "compute MatMul: f x, p w_q -> f y\n");
}

TEST_CASE("cluster: a product of two activations") {
  CHECK(clusters_of("g (uint8[5, 4] x_q, uint8[4, 3] u_q) => (uint8[5, 3] y_q) <float s = {0.1}, uint8 z = {3}> {\n"
                    "x = DequantizeLinear(x_q, s, z)\n u = DequantizeLinear(u_q, s, z)\n m = MatMul(x, u)\n"
                    "y_q = QuantizeLinear(m, s, z)}") == "compute MatMul: p x_q, p u_q -> p y_q\n");
}

namespace {

std::string real(const std::string& body) {
  return clusters_of(
      "g (float[1, 4, 8, 8] x, float[1, 4, 8, 8] r, float[4, 4, 1, 1] w, float[4] b, float[4, 1, 1] v) => (float[1, 4, 8, 8] y) "
      "<float three = {3.0}, float six = {6.0}, float zero = {0.0}> {\n" +
          body + "}",
      {"w", "b", "v"});
}

}  // namespace

TEST_CASE("cluster: Conv -> activation") {
  CHECK(real("c = Conv(x, w, b)\n y = Relu(c)\n") == "compute Conv: f x, f w, f b; activation(Relu) -> f y\n");
  CHECK(real("c = Conv(x, w, b)\n y = Clip(c, zero, six)\n") == "compute Conv: f x, f w, f b; activation(Clip) -> f y\n");
}

TEST_CASE("cluster: Conv -> Add(., r) -> Relu") {
  CHECK(real("c = Conv(x, w, b)\n e = Add(r, c)\n y = Relu(e)\n") == "compute Conv: f x, f w, f b; add(f r), activation(Relu) -> f y\n");
}

TEST_CASE("cluster: Conv -> Mul and Add by channel constants") {
  CHECK(real("c = Conv(x, w)\n m = Mul(c, v)\n y = Add(m, v)\n") == "compute Conv: f x, f w; mul(f v), add(f v) -> f y\n");
}

TEST_CASE("cluster: only one operand that is no constant") {
  CHECK(real("c = Conv(x, w)\n m = Add(c, r)\n y = Add(m, x)\n") ==
        "compute Conv: f x, f w; add(f r) -> f m\n"
        "arithmetic Add: f m, f x -> f y\n");
}

TEST_CASE("cluster: an Add that enlarges the convolution's result stays outside") {
  CHECK(clusters_of("g (float[1, 4, 1, 1] x, float[1, 4, 8, 8] r, float[4, 4, 1, 1] w) => (float[1, 4, 8, 8] y) {\n"
                    "c = Conv(x, w)\n y = Add(c, r)}",
                    {"w"}) ==
        "compute Conv: f x, f w -> f c\n"
        "arithmetic Add: f c, f r -> f y\n");
}

TEST_CASE("cluster: a value that is also a graph output ends the cluster") {
  CHECK(clusters_of("g (float[1, 4, 8, 8] x, float[4, 4, 1, 1] w) => (float[1, 4, 8, 8] y, float[1, 4, 8, 8] c) {\n"
                    "c = Conv(x, w)\n y = Relu(c)}",
                    {"w"}) ==
        "compute Conv: f x, f w -> f c\n"
        "unary Relu: f c -> f y\n");
}

TEST_CASE("cluster: a value a body reads ends the cluster") {
  CHECK(clusters_of("g (float[1, 4, 8, 8] x, float[4, 4, 1, 1] w, bool p) => (float[1, 4, 8, 8] y) {\n c = Conv(x, w)\n"
                    "y = If (p) <then_branch = t () => (float[1, 4, 8, 8] a) {a = Relu(c)}, "
                    "else_branch = e () => (float[1, 4, 8, 8] b) {b = Neg(x)}>}",
                    {"w"}) ==
        "compute Conv: f x, f w -> f c\n"
        "node If: f p -> f y\n");
}

TEST_CASE("cluster: chains of element-wise nodes with scalars are one") {
  CHECK(real("a = Add(x, three)\n c = Clip(a, zero, six)\n y = Div(c, six)\n") ==
        "unary Add: f x, f three; activation(Clip), activation(Div) -> f y\n");
}

TEST_CASE("cluster: integers are no float chains") {
  CHECK(clusters_of("g (int64[2] x) => (int64[2] y) <int64 one = {1}> {a = Add(x, one)\n y = Mul(a, one)}") ==
        "node Add: f x, f one -> f a\n"
        "node Mul: f a, f one -> f y\n");
}

TEST_CASE("cluster: DQ -> Clip -> Sigmoid -> Q") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q",
                  "x = DequantizeLinear(x_q, s, z)\n a = Clip(x)\n b = Sigmoid(a)\n y_q = QuantizeLinear(b, t, z)\n") ==
        "unary Clip: p x_q; activation(Sigmoid) -> p y_q\n");
}

TEST_CASE("cluster: DQ DQ -> Mul -> Relu -> Q, one operand constant") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q",
                  "x = DequantizeLinear(x_q, s, z)\n c = DequantizeLinear(c_q, s, z)\n m = Mul(x, c)\n a = Relu(m)\n"
                  "y_q = QuantizeLinear(a, t, z)\n") == "arithmetic Mul: p x_q, p c_q; activation(Relu) -> p y_q\n");
}

TEST_CASE("cluster: pass-through operators with equal parameters run on codes") {
  CHECK(quantized("uint8[1, 4, 64] y_q", "x = DequantizeLinear(x_q, s, z)\n m = Flatten(x)\n y_q = QuantizeLinear(m, s1, z1)\n") ==
        "pass_through Flatten: p x_q -> p y_q\n");
  CHECK(quantized("uint8[1, 4, 64] y_q", "x = DequantizeLinear(x_q, s, z)\n m = Flatten(x)\n y_q = QuantizeLinear(m, t, z)\n") ==
        "dequantize DequantizeLinear: p x_q -> f x\n"
        "node Flatten: f x -> f m\n"
        "quantize QuantizeLinear: f m -> p y_q\n");
}

TEST_CASE("cluster: averages, concatenations, softmax between DQ and Q") {
  CHECK(
      quantized("uint8[1, 4, 1, 1] y_q", "x = DequantizeLinear(x_q, s, z)\n m = GlobalAveragePool(x)\n y_q = QuantizeLinear(m, t, z)\n") ==
      "reduce GlobalAveragePool: p x_q -> p y_q\n");
  CHECK(quantized("uint8[1, 8, 8, 8] y_q",
                  "x = DequantizeLinear(x_q, s, z)\n r = DequantizeLinear(r_q, t, k)\n m = Concat <axis = 1> (x, r)\n"
                  "y_q = QuantizeLinear(m, t, z)\n") == "concat Concat: p x_q, p r_q -> p y_q\n");
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", "x = DequantizeLinear(x_q, s, z)\n m = Softmax(x)\n y_q = QuantizeLinear(m, t, z)\n") ==
        "softmax Softmax: p x_q -> p y_q\n");
}

TEST_CASE("cluster: a Q behind Softmax or LayerNormalization is theirs, whatever is in front") {
  CHECK(real("m = Softmax(x)\n x_q = QuantizeLinear(m, three)\n y = DequantizeLinear(x_q, three)\n") ==
        "softmax Softmax: f x -> p x_q\n"
        "dequantize DequantizeLinear: p x_q -> f y\n");
  CHECK(real("m = LayerNormalization(x, three)\n x_q = QuantizeLinear(m, three)\n y = DequantizeLinear(x_q, three)\n") ==
        "normalize LayerNormalization: f x, f three -> p x_q\n"
        "dequantize DequantizeLinear: p x_q -> f y\n");
}

TEST_CASE("cluster: Q, DQ and DQ -> Q alone") {
  CHECK(real("x_q = QuantizeLinear(x, three)\n y = DequantizeLinear(x_q, three)\n") ==
        "quantize QuantizeLinear: f x -> p x_q\n"
        "dequantize DequantizeLinear: p x_q -> f y\n");
  CHECK(quantized("uint8[1, 4, 8, 8] y_q", "x = DequantizeLinear(x_q, s, z)\n y_q = QuantizeLinear(x, t, k)\n") ==
        "requantize QuantizeLinear: p x_q -> p y_q\n");
}

TEST_CASE("cluster: a DQ read as codes and as float is a cluster of its own too") {
  CHECK(quantized("uint8[1, 4, 8, 8] y_q, float[1, 4, 8, 8] x",
                  "x = DequantizeLinear(x_q, s, z)\n a = Relu(x)\n y_q = QuantizeLinear(a, t, k)\n") ==
        "dequantize DequantizeLinear: p x_q -> f x\n"
        "unary Relu: p x_q -> p y_q\n");
}

TEST_CASE("cluster: a computed scale keeps Q and DQ as they stand") {
  CHECK(clusters_of("g (float[2] x, float s) => (float[2] y) {x_q = QuantizeLinear(x, s)\n y = DequantizeLinear(x_q, s)}") ==
        "node QuantizeLinear: f x, f s -> f x_q\n"
        "node DequantizeLinear: f x_q, f s -> f y\n");
}

TEST_CASE("cluster: what reads one output of a Split stands behind it, whichever output is quantized last") {
  const std::string text = quantized("uint8[1, 2, 8, 8] a_q, float[1, 2, 8, 8] e",
                                     "x = DequantizeLinear(x_q, s, z)\nu, a = Split <axis = 1, num_outputs = 2> (x)\n"
                                     "u_q = QuantizeLinear(u, s, z)\nd = DequantizeLinear(u_q, s, z)\ne = Tanh(d)\n"
                                     "a_q = QuantizeLinear(a, s, z)\n");
  CHECK(text.find("Split") < text.find("Tanh"));
}
