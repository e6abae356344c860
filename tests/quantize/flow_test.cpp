// prepare, convert and what they write, on small models given in ONNX text.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "converted.h"
#include "onnxio/onnxio.h"
#include "quantize/decide.h"

using namespace qtool;
using namespace qtool::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kResidual = R"(
  g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w1, float[4] b1, float[4, 4, 3, 3] w2, float[4] b2) => (float[1, 4, 8, 8] y) {
    [conv1] c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
    [relu1] r1 = Relu (c1)
    [conv2] c2 = Conv <pads = [1, 1, 1, 1]> (r1, w2, b2)
    [add] s = Add (c2, r1)
    [relu2] r2 = Relu (s)
    [pool] p = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (r2)
    [conv3] y = Conv <pads = [1, 1, 1, 1]> (p, w2, b2)
  })";

Model residual() {
  Model model = model_of(kResidual, 13);
  add_weights(model, {"w1", "b1", "w2", "b2"});
  return model;
}

}  // namespace

TEST_CASE("prepare: every convolution of a residual block is int8, the moved tensor shares its parameters") {
  Model model = residual();
  Diagnostics diagnostics;
  const QuantPlan plan = prepare(model, x86(), diagnostics);
  for (const char* name : {"conv1", "conv2", "add", "pool", "conv3"}) CHECK(decision(plan, name).quantized);
  CHECK(explain_text(plan).find("shares the parameters of r2") != std::string::npos);
}

TEST_CASE("observers in, then out: the model is as before") {
  Model model = residual();
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  const std::string with = to_table(*model.graph);
  strip_observers(model);
  const std::string without = to_table(*model.graph);
  QConfigMapping qconfig = QConfigMapping::built_in("x86");
  const QuantPlan plan = decide(model, qconfig, BackendConfig::built_in("x86"));
  insert_observers(model, plan);
  lint(model, "after insert_observers");
  CHECK(to_table(*model.graph) == with);
  strip_observers(model);
  CHECK(to_table(*model.graph) == without);
}

TEST_CASE("a prepared graph output passes its observer and keeps its name") {
  Model model = residual();
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  const Value& output = *model.graph->output().in(0);
  CHECK(output.name() == "y");
  CHECK(is_observer(output.producer()));
  CHECK(observed_tensor(output.producer()) == "y");
}

TEST_CASE("to_qdq: one Q behind each quantized tensor, names as documented, nothing of qtool's left") {
  const Model model = converted(residual());
  CHECK(model.functions.empty());
  CHECK(model.opsets.size() == 1);
  const Node& conv2 = node_named(model, "conv2");
  CHECK(conv2.out(0)->name() == "c2_raw");
  REQUIRE(conv2.out(0)->uses().size() == 1);
  CHECK(conv2.out(0)->uses()[0].node->out(0)->name() == "c2_q");
  CHECK(conv2.in(0)->name() == "r1");
  CHECK(conv2.in(0)->producer().is("DequantizeLinear"));
  CHECK(model.graph->output().in(0)->name() == "y");
  CHECK(count(model, "QuantizeLinear") == 6);  // x r1 c2 r2 p y
}

TEST_CASE("to_qdq: what only moves elements has the same scale and zero point initializers on both sides") {
  const Model model = converted(residual());
  const Node& pool = node_named(model, "pool");
  const Node &before = pool.in(0)->producer(), &after = *pool.out(0)->uses()[0].node;
  CHECK(before.in(1) == after.in(1));
  CHECK(before.in(2) == after.in(2));
}

TEST_CASE("to_qdq: a bias is int32 with scale = scale of x * scale of w, bit for bit; shared weights get one bias a use") {
  const Model model = converted(residual());
  for (const char* name : {"conv1", "conv2", "conv3"}) {
    const Node& conv = node_named(model, name);
    const Node &x = conv.in(0)->producer(), &w = conv.in(1)->producer(), &b = conv.in(2)->producer();
    REQUIRE(b.is("DequantizeLinear"));
    CHECK(b.in(0)->constant()->dtype() == DType::int32);
    const float x_scale = x.in(1)->constant()->floats()[0];
    const auto w_scale = w.in(1)->constant()->floats(), b_scale = b.in(1)->constant()->floats();
    REQUIRE(w_scale.size() == b_scale.size());
    for (size_t c = 0; c < w_scale.size(); ++c) CHECK(b_scale[c] == x_scale * w_scale[c]);
  }
}

TEST_CASE("a bias that would overflow int32 enlarges the weight scale of its channel alone") {
  Model model = residual();
  model.graph->find("b1")->producer().weight->tensor.mutable_data<float>()[2] = 1e9f;
  const Model result = converted(std::move(model));
  const Node& conv = node_named(result, "conv1");
  const auto codes = conv.in(2)->producer().in(0)->constant()->data<int32_t>();
  CHECK(codes[2] > 2000000000);
  const auto scales = conv.in(1)->producer().in(1)->constant()->floats();
  CHECK(scales[2] > 100 * scales[1]);
}

TEST_CASE("a qconfig that leaves a node float is obeyed, said, and leaves its neighbours int8") {
  Model model = residual();
  Diagnostics diagnostics;
  const PrepareOptions options = x86(R"({"global": {"activation": {"observer": "minmax", "dtype": "uint8"},
      "weight": {"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"}}, "module_name": {"conv2": null}})");
  const QuantPlan plan = prepare(model, options, diagnostics);
  CHECK_FALSE(decision(plan, "conv2").quantized);
  CHECK(decision(plan, "conv1").quantized);
  CHECK_THAT(decision(plan, "conv2").reasons.at(0), ContainsSubstring("module_name \"conv2\""));
  REQUIRE_FALSE(diagnostics.all().empty());
  CHECK(diagnostics.all()[0].kind == "float");
}

TEST_CASE("a tensor whose observer saw nothing leaves its users float, with the reason, and only them") {
  Model model = residual();
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  Stats stats = seen_everywhere(model);
  stats.tensors["c2"] = {};
  Diagnostics told;
  convert(model, stats, {}, told);
  CHECK(count(model, "QuantizeLinear") > 0);
  CHECK_FALSE(node_named(model, "conv2").in(1)->producer().is("DequantizeLinear"));
  CHECK(node_named(model, "conv1").in(1)->producer().is("DequantizeLinear"));
  CHECK_THAT(told.all()[0].message, ContainsSubstring("c2 saw no value in calibration"));
}

TEST_CASE("converting twice, and preparing what is prepared, are errors") {
  Model model = residual();
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  CHECK_THROWS_AS(prepare(model, x86(), diagnostics), Error);
  const Stats stats = seen_everywhere(model);
  convert(model, stats, {}, diagnostics);
  CHECK_THROWS_AS(convert(model, stats, {}, diagnostics), Error);
}

TEST_CASE("a model with nothing to quantize goes through both steps as it is") {
  Model model = model_of("g (float[2] x) => (float[2] y) { [act] y = Sin (x) }", 13);
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  CHECK(convert(model, {}, {}, diagnostics).quantized_calls == 0);
  CHECK(model.graph->node_count() == 3);
  CHECK_THROWS_AS(convert(model, {}, {}, diagnostics), Error);
}

TEST_CASE("--wrap keeps nodes as they are") {
  Model model = residual();
  Diagnostics diagnostics;
  PrepareOptions options = x86();
  options.wrap = {"name:conv1", "nothing_of_this_name"};
  const QuantPlan plan = prepare(model, options, diagnostics);
  CHECK(decision(plan, "conv1").reasons.at(0) == "it is wrapped");
  CHECK(node_named(model, "relu1").is("Relu"));
  bool said = false;
  for (const Diagnostic& each : diagnostics.all()) said |= each.subject == "--wrap nothing_of_this_name";
  CHECK(said);
}

TEST_CASE("codes below -3 are not spent in front of a HardSwish") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[4, 3, 1, 1] w1, float[4, 4, 1, 1] w2) => (float[1, 4, 8, 8] y) {
      [conv1] c1 = Conv (x, w1)
      [act] h = HardSwish (c1)
      [conv2] y = Conv (h, w2)
    })",
                         14);
  add_weights(model, {"w1", "w2"});
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  Stats stats = seen_everywhere(model);
  const std::vector<float> wide{-30, 3};
  stats.tensors["c1"] = {};
  stats.tensors["c1"].observe(wide, SampleId("a"));
  convert(model, stats, {}, diagnostics);
  const Node& q = *node_named(model, "conv1").out(0)->uses()[0].node;
  const float scale = q.in(1)->constant()->floats()[0];
  CHECK(scale * 255 < 6.1f);
}

TEST_CASE("inside the branches of an If: codes cross the border, each body dequantizes for itself") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, bool c, float[4, 3, 1, 1] w1, float[4, 4, 1, 1] w2) => (float[1, 4, 8, 8] y) {
      [conv1] a = Conv (x, w1)
      [choose] y = If (c) <
        then_branch = t () => (float[1, 4, 8, 8] ty) { [conv2] ty = Conv (a, w2) },
        else_branch = e () => (float[1, 4, 8, 8] ey) { [conv3] ey = Conv (a, w2) }>
    })",
                         13);
  add_weights(model, {"w1", "w2"});
  const Model result = converted(std::move(model));
  const Node& conv1 = node_named(result, "conv1");
  REQUIRE(conv1.out(0)->uses().size() == 1);
  CHECK(conv1.out(0)->uses()[0].node->is("QuantizeLinear"));
  for (const Node::Body& body : node_named(result, "choose").bodies()) {
    size_t own = 0;
    for (const Node& node : body.graph->nodes())
      if (node.is("Conv")) own += &node.in(0)->producer().graph() == body.graph;
    CHECK(own == 1);
  }
  CHECK(onnxio::serialize(onnxio::parse(onnxio::serialize(result))) == onnxio::serialize(result));
}

TEST_CASE("x W + b of a matrix becomes a Gemm with an int32 bias; of a stack of matrices it stays MatMul + Add") {
  for (const bool stacked : {false, true}) {
    Model model = model_of(std::string("g (float[") + (stacked ? "1, 2" : "2") + ", 8] x, float[8, 4] w, float[4] b) => (float[" +
                               (stacked ? "1, 2" : "2") + ", 4] y) { [mm] p = MatMul (x, w)\n y = Add (b, p) }",
                           13);
    add_weights(model, {"w", "b"});
    const Model result = converted(std::move(model));
    CHECK(node_named(result, "mm").is(stacked ? "MatMul" : "Gemm"));
    if (!stacked) CHECK(node_named(result, "mm").in(2)->producer().in(0)->constant()->dtype() == DType::int32);
    CHECK(result.graph->output().in(0)->name() == "y");
  }
}

TEST_CASE("what is added to a matrix product is its bias where it is one number a column; positions stay an operand") {
  auto module_of = [](const char* type) {
    Model model = model_of(std::string("g (float[1, 16, 8] x, float[8, 8] w, ") + type +
                               " p) => (float[1, 16, 8] y) { [product] m = MatMul (x, w)\n [sum] y = Add (m, p) }",
                           13);
    add_weights(model, {"w", "p"});
    Diagnostics diagnostics;
    const QuantPlan plan = prepare(model, x86(), diagnostics);
    return plan.nodes.size();
  };
  CHECK(module_of("float[8]") == 1);
  CHECK(module_of("float[1, 1, 8]") == 1);
  CHECK(module_of("float[1, 16, 8]") == 2);
  CHECK(module_of("float[16, 1]") == 2);
}
