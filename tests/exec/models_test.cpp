// Real models and quantized ones: every cluster of every engine against the reference.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <filesystem>

#include "exec/agreement.h"
#include "onnxio/onnxio.h"
#include "support/models.h"

using namespace qtool;
using testing::add_weights;
using testing::model_of;
using testing::random_tensor;

namespace {

/// Random inputs; what is unknown: 1 in front, `dim` behind.
std::vector<Tensor> inputs_of(const Model& model, int64_t dim) {
  std::vector<Tensor> inputs;
  for (const Node* node : model.graph->placeholders()) {
    const ValueType& type = node->out(0)->type;
    Shape shape;
    for (const Dim& each : type.dims.value()) shape.push_back(each.known() ? each.value : shape.empty() ? 1 : dim);
    Tensor values = random_tensor(DType::float32, shape, node->out(0)->name());
    if (is_integer(type.dtype))
      for (float& value : values.mutable_data<float>()) value = std::floor((value + 1) * 50);
    inputs.push_back(node->weight ? Tensor() : values.cast(type.dtype));
  }
  return inputs;
}

void check_agreement(const Model& model, const std::vector<Tensor>& inputs) {
  for (const Backend* backend : all_backends())
    for (const ClusterAgreement& cluster : compare_clusters(model, std::string(backend->name), inputs)) {
      INFO(backend->name << ": " << cluster.text << " by " << cluster.kernel << ": " << cluster.differing << " of " << cluster.elements
                         << " differ, " << cluster.worst_steps << " steps, error " << cluster.worst_error);
      CHECK(cluster.within_bound());
    }
}

void check_whole(const Model& model, const std::vector<Tensor>& inputs, double tolerance) {
  Diagnostics diagnostics;
  Plan plan(model, {}, diagnostics), reference(model, {.engine = "reference"}, diagnostics);
  const auto found = Runner(plan).run(inputs), expected = Runner(reference).run(inputs);
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].shape() == expected[i].shape());
    for (int64_t k = 0; k < found[i].size(); ++k) CHECK(std::abs(found[i].number_at(k) - expected[i].number_at(k)) <= tolerance);
  }
}

struct RealModel {
  const char* name;
  int64_t dim;
};

/// A residual block as quantizers write it: convolutions, HardSwish on codes, Add, pooling, a product without Q.
Model quantized_block() {
  Model model = model_of(R"(
    g (float[N, 8, 12, 12] x, int8[16, 8, 3, 3] w_q, int8[16, 1, 3, 3] d_q, int8[16, 16, 1, 1] e_q, int8[16, 10] f_q, int32[16] b_q, float[10] fb)
      => (float[N, 10] y)
      <float sx = {0.0078}, uint8 zx = {128}, float sw = {0.004}, int8 zw = {0}, float sb = {0.0000312}, int32 zb = {0},
       float s1 = {0.031}, uint8 z1 = {121}, float s2 = {0.017}, uint8 z2 = {6}, float s3 = {0.08}, uint8 z3 = {128}, float s4 = {0.09}> {
      x_q = QuantizeLinear(x, sx, zx)
      x_d = DequantizeLinear(x_q, sx, zx)
      w = DequantizeLinear(w_q, sw, zw)
      b = DequantizeLinear(b_q, sb, zb)
      c = Conv <pads = [1, 1, 1, 1]> (x_d, w, b)
      c_q = QuantizeLinear(c, s1, z1)
      c_d = DequantizeLinear(c_q, s1, z1)
      h = HardSwish(c_d)
      h_q = QuantizeLinear(h, s2, z2)
      h_d = DequantizeLinear(h_q, s2, z2)
      d = DequantizeLinear(d_q, sw, zw)
      k = Conv <group = 16, pads = [1, 1, 1, 1]> (h_d, d)
      r = Relu(k)
      k_q = QuantizeLinear(r, s3)
      k_d = DequantizeLinear(k_q, s3)
      e = DequantizeLinear(e_q, sw, zw)
      p = Conv(k_d, e)
      p_q = QuantizeLinear(p, s3, z3)
      p_d = DequantizeLinear(p_q, s3, z3)
      a = Add(h_d, p_d)
      q = Relu(a)
      a_q = QuantizeLinear(q, s4, z3)
      a_d = DequantizeLinear(a_q, s4, z3)
      m = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (a_d)
      m_q = QuantizeLinear(m, s4, z3)
      m_d = DequantizeLinear(m_q, s4, z3)
      g_ = GlobalAveragePool(m_d)
      g_q = QuantizeLinear(g_, s2, z2)
      g_d = DequantizeLinear(g_q, s2, z2)
      t = Flatten(g_d)
      t_q = QuantizeLinear(t, s2, z2)
      t_d = DequantizeLinear(t_q, s2, z2)
      f = DequantizeLinear(f_q, sw, zw)
      v = MatMul(t_d, f)
      y = Add(v, fb)
    })");
  add_weights(model, {"w_q", "d_q", "e_q", "f_q", "b_q", "fb"});
  return model;
}

}  // namespace

TEST_CASE("agreement: float task models, cluster by cluster and as a whole") {
  const RealModel real = GENERATE(RealModel{"bytes-transformer", 1}, RealModel{"glyph-resnet8", 1}, RealModel{"glyph-mobilenetv2", 1},
                                  RealModel{"vad-lstm-if", 256});
  const std::string path = "testdata/tasks/" + std::string(real.name) + "/model.onnx";
  if (!std::filesystem::exists(path)) SKIP(path << " is not here");
  INFO(path);
  const Model model = onnxio::load(path);
  const auto inputs = inputs_of(model, real.dim);
  check_agreement(model, inputs);
  check_whole(model, inputs, 1e-4);
}

TEST_CASE("agreement: a quantized residual block") {
  const Model model = quantized_block();
  const auto inputs = inputs_of(model, 1);
  check_agreement(model, inputs);
}

TEST_CASE("agreement: GRU and RNN with their variants, in both directions") {
  struct Case {
    const char *node, *kernel;
    int64_t gates;
  };
  const auto each = GENERATE(Case{"GRU <hidden_size = 5, direction = \"bidirectional\", linear_before_reset = 1>", "gru", 3},
                             Case{"GRU <hidden_size = 5, direction = \"bidirectional\">", "gru", 3},
                             Case{"RNN <hidden_size = 5, direction = \"bidirectional\">", "rnn", 1},
                             Case{"RNN <hidden_size = 5, direction = \"bidirectional\", activations = [\"Relu\", \"Relu\"]>", "rnn", 1});
  const int64_t batch = GENERATE(1, 3);
  CAPTURE(each.node, batch);
  const std::string gates = std::to_string(5 * each.gates);
  Model model = model_of("g (float[T, B, 3] x, float[2, B, 5] h, float[2, " + gates + ", 3] w, float[2, " + gates + ", 5] r, float[2, " +
                         std::to_string(10 * each.gates) + "] b) => (float[T, 2, B, 5] y, float[2, B, 5] yh) { y, yh = " + each.node +
                         " (x, w, r, b, , h) }");
  add_weights(model, {"w", "r", "b"});
  const std::vector<Tensor> in{random_tensor(DType::float32, {7, batch, 3}, "x"), random_tensor(DType::float32, {2, batch, 5}, "h")};
  check_agreement(model, in);
  check_whole(model, in, 1e-5);
  if (!find_backend("onednn")) return;
  for (const ClusterAgreement& cluster : compare_clusters(model, "onednn", in)) CHECK(cluster.kernel.starts_with(each.kernel));
}

TEST_CASE("agreement: LSTM in both directions, linear Resize in every coordinate mode") {
  Model lstm = model_of(R"(
    g (float[T, B, 3] x, float[2, B, 5] h, float[2, 20, 3] w, float[2, 20, 5] r, float[2, 40] b)
      => (float[T, 2, B, 5] y, float[2, B, 5] yh, float[2, B, 5] yc) {
      y, yh, yc = LSTM <hidden_size = 5, direction = "bidirectional"> (x, w, r, b, , h)
    })");
  add_weights(lstm, {"w", "r", "b"});
  const std::vector<Tensor> in{random_tensor(DType::float32, {7, 2, 3}, "x"), random_tensor(DType::float32, {2, 2, 5}, "h")};
  check_agreement(lstm, in);
  check_whole(lstm, in, 1e-5);
  for (const char* mode : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"}) {
    const Model resize = model_of(
        "g (float[1, 3, 5, 7] x) => (float[1, 3, H, W] y) <float[4] s = {1, 1, 2.5, 0.6}> {\n"
        "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"" +
        std::string(mode) + "\"> (x, , s) }");
    check_agreement(resize, inputs_of(resize, 1));
    check_whole(resize, inputs_of(resize, 1), 1e-5);
  }
}

TEST_CASE("agreement: the bound is one step on one code in a thousand") {
  ClusterAgreement codes;
  codes.quantized = true;
  codes.elements = 5000;
  codes.differing = 5;
  codes.worst_steps = 1;
  CHECK(codes.within_bound());
  codes.differing = 6;
  CHECK(!codes.within_bound());
  codes.differing = 1;
  codes.worst_steps = 2;
  CHECK(!codes.within_bound());
}
