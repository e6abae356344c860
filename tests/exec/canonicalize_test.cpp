#include "exec/canonicalize.h"

#include <catch2/catch_test_macros.hpp>

#include "exec/cluster.h"
#include "exec/plan.h"
#include "support/models.h"

using namespace qtool;
using testing::add_weights;
using testing::model_of;
using testing::random_tensor;

namespace {

std::string clusters_of(const Model& model) {
  const Model canonical = canonical_for_execution(model);
  return to_text(cluster(canonical, *canonical.graph));
}

/// The canonical form computes what the file says.
void check_same(const Model& model, const Shape& input, DType dtype = DType::float32) {
  Diagnostics diagnostics;
  Plan literal(model, {.engine = "reference"}, diagnostics),
      canonical(canonical_for_execution(model), {.engine = "reference"}, diagnostics);
  const std::vector<Tensor> in{random_tensor(dtype, input, "x")};
  const auto expected = Runner(literal).run(in), found = Runner(canonical).run(in);
  REQUIRE(found[0].shape() == expected[0].shape());
  for (int64_t i = 0; i < found[0].size(); ++i) CHECK(std::abs(found[0].number_at(i) - expected[0].number_at(i)) < 1e-5);
}

}  // namespace

TEST_CASE("canonical: batch normalization goes into the convolution") {
  Model model = model_of(R"(
    g (float[1, 2, 4, 4] x, float[3, 2, 1, 1] w, float[3] s, float[3] b, float[3] m) => (float[1, 3, 4, 4] y) <float[3] v = {1, 2, 0.5}> {
      c = Conv(x, w)
      n = BatchNormalization(c, s, b, m, v)
      y = Relu(n)
    })");
  add_weights(model, {"w", "s", "b", "m"});
  const Model canonical = canonical_for_execution(model);
  const auto clusters = cluster(canonical, *canonical.graph);
  REQUIRE(clusters.size() == 1);
  CHECK(clusters[0].kind == ClusterKind::compute);
  CHECK(clusters[0].post_ops.size() == 1);
  check_same(model, {1, 2, 4, 4});
}

TEST_CASE("canonical: a channel shuffle is a choice of channels") {
  const Model model = model_of(R"(
    g (float[2, 6, 3, 4] x) => (float[2, 6, 3, 4] y) <int64[5] a = {2, 3, 2, 3, 4}, int64[4] b = {2, 6, 3, 4}> {
      s = Reshape(x, a)
      t = Transpose <perm = [0, 2, 1, 3, 4]> (s)
      j = Reshape(t, b)
      y = Relu(j)
    })");
  CHECK(clusters_of(model).find("node Gather") != std::string::npos);
  CHECK(clusters_of(model).find("Transpose") == std::string::npos);
  check_same(model, {2, 6, 3, 4});
}

TEST_CASE("canonical: exploded operators are put together, whatever the opset of the file") {
  const Model hard_swish = model_of(R"(
    g (float[2, 8] x) => (float[2, 8] y) <float three = {3}, float zero = {0}, float six = {6}> {
      a = Add(x, three)
      c = Clip(a, zero, six)
      m = Mul(x, c)
      y = Div(m, six)
    })",
                                    13);
  CHECK(clusters_of(hard_swish) == "unary HardSwish: f x -> f y\n");
  check_same(hard_swish, {2, 8});
  const Model silu = model_of("g (float[2, 8] x) => (float[2, 8] y) { s = Sigmoid(x)\n y = Mul(x, s) }", 13);
  CHECK(clusters_of(silu) == "unary Swish: f x -> f y\n");
  check_same(silu, {2, 8});
  const Model gelu = model_of(R"(
    g (float[2, 8] x) => (float[2, 8] y) <float root = {1.41421356}, float one = {1}, float half = {0.5}> {
      d = Div(x, root)
      e = Erf(d)
      a = Add(e, one)
      m = Mul(x, a)
      y = Mul(m, half)
    })",
                              13);
  CHECK(clusters_of(gelu) == "unary Gelu: f x -> f y\n");
  check_same(gelu, {2, 8});
}

TEST_CASE("canonical: an exploded activation between DQ and Q is a table") {
  const Model model = model_of(R"(
    g (uint8[2, 8] x) => (uint8[2, 8] y) <float three = {3}, float zero = {0}, float six = {6}, float s = {0.05}, uint8 z = {128}> {
      d = DequantizeLinear(x, s, z)
      a = Add(d, three)
      c = Clip(a, zero, six)
      m = Mul(d, c)
      h = Div(m, six)
      y = QuantizeLinear(h, s, z)
    })",
                               13);
  CHECK(clusters_of(model) == "unary HardSwish: p x -> p y\n");
}

TEST_CASE("canonical: a maximum of dequantized codes that is read as floats is taken among the codes") {
  const Model model = model_of(R"(
    g (uint8[1, 3, 6, 6] x) => (uint8[1, 3, 3, 3] y) <float s = {0.05}, uint8 z = {128}, float t = {0.01}, uint8 u = {100}> {
      d = DequantizeLinear(x, s, z)
      m = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (d)
      l = LRN <size = 3> (m)
      y = QuantizeLinear(l, t, u)
    })",
                               13);
  CHECK(clusters_of(model) == "pass_through MaxPool: p x -> p m_codes\nnormalize LRN: p m_codes -> p y\n");
  check_same(model, {1, 3, 6, 6}, DType::uint8);
}

TEST_CASE("canonical: an engine whose kernels hold s8 gets them wherever codes stay inside") {
  const Model model = model_of(R"(
    g (float[4, 16] x, bool which) => (float[4, 16] y, uint8[4, 16] seen) <float s = {0.005}, uint8 z = {3}, float t = {0.002}> {
      q = QuantizeLinear(x, s, z)
      d = DequantizeLinear(q, s, z)
      a = Abs(d)
      none = QuantizeLinear(a, t)
      y = If (which) <
        then_branch = one () => (float[4, 16] e) { e = DequantizeLinear(none, t) },
        else_branch = two () => (float[4, 16] f) { f = Sigmoid(a) }
      >
      seen = QuantizeLinear(y, s, z)
    })");
  const Backend& arm = *find_backend("arm");
  REQUIRE(arm.signed_codes);
  const Model canonical = canonical_for_execution(model, arm);
  const auto type = [&](const char* name) { return canonical.graph->find(name)->type.dtype; };
  CHECK(type("q") == DType::int8);
  CHECK(type("none") == DType::int8);
  CHECK(type("seen") == DType::uint8);
  Diagnostics diagnostics;
  Plan literal(model, {.engine = "reference"}, diagnostics), lower(canonical, {.engine = "reference"}, diagnostics);
  for (const bool which : {true, false}) {
    const std::vector<Tensor> in{random_tensor(DType::float32, {4, 16}, "x"), Tensor::scalar(which)};
    CHECK(Runner(lower).run(in) == Runner(literal).run(in));
  }
}

TEST_CASE("canonical: bodies may share a zero point of codes that are kept as s8, and have scales of their own") {
  const Model model = model_of(R"(
    g (float[4, 16] x, bool which) => (float[4, 16] y) <uint8[1] z = {3}> {
      y = If (which) <
        then_branch = one () => (float[4, 16] e) <float s = {0.005}> { p = QuantizeLinear(x, s, z)
          e = DequantizeLinear(p, s, z) },
        else_branch = two () => (float[4, 16] f) <float t = {0.002}> { q = QuantizeLinear(x, t, z)
          f = DequantizeLinear(q, t, z) }
      >
    })");
  const Model canonical = canonical_for_execution(model, *find_backend("arm"));
  Diagnostics diagnostics;
  Plan literal(model, {.engine = "reference"}, diagnostics), lower(canonical, {.engine = "reference"}, diagnostics);
  for (const bool which : {true, false}) {
    const std::vector<Tensor> in{random_tensor(DType::float32, {4, 16}, "x"), Tensor::scalar(which)};
    CHECK(Runner(lower).run(in) == Runner(literal).run(in));
  }
}

TEST_CASE("canonical: layer normalization over the last axis, and over another one not") {
  const auto text = [](const std::string& axes) {
    return "g (float[2, 5, 8] x, float[8] g, float[8] b) => (float[2, 5, 8] y) <float two = {2}, float eps = {0.00001}> {\n"
           "m = ReduceMean <axes = [" +
           axes + "]> (x)\n d = Sub(x, m)\n p = Pow(d, two)\n v = ReduceMean <axes = [" + axes +
           "]> (p)\n"
           "e = Add(v, eps)\n r = Sqrt(e)\n n = Div(d, r)\n s = Mul(n, g)\n y = Add(s, b) }";
  };
  Model last = model_of(text("-1"), 13);
  add_weights(last, {"g", "b"});
  CHECK(clusters_of(last) == "node LayerNormalization: f x, f g, f b -> f y_joined\n");
  check_same(last, {2, 5, 8});
  Model middle = model_of(text("1"), 13);
  add_weights(middle, {"g", "b"});
  CHECK(clusters_of(middle).find("LayerNormalization") == std::string::npos);
}

TEST_CASE("canonical: a quantized scalar makes a table of its Add") {
  const Model model = model_of(
      "g (uint8[2, 8] x) => (uint8[2, 8] y) <float s = {0.05}, uint8 z = {128}, uint8 c_q = {188}> {\n"
      "d = DequantizeLinear(x, s, z)\n c = DequantizeLinear(c_q, s, z)\n a = Add(d, c)\n y = QuantizeLinear(a, s, z) }");
  CHECK(clusters_of(model) == "unary Add: p x, f c_real -> p y\n");
  check_same(model, {2, 8}, DType::uint8);
}

TEST_CASE("canonical: quantized weights of a float product stay codes") {
  Model model = model_of(
      "g (float[5, 4] x, int8[4, 3] w_q) => (float[5, 3] y) <float s = {0.1}, int8 zw = {0}> {\n"
      "w = DequantizeLinear(w_q, s, zw)\n y = MatMul(x, w)}");
  add_weights(model, {"w_q"});
  CHECK(clusters_of(model) == "compute MatMul: f x, p w_q -> f y\n");
  check_same(model, {5, 4});
}
