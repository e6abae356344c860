// The three reference cases of docs/backends.md: a backend that lists only Linear and Conv + ReLU, with constraints.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "converted.h"

using namespace qtool;
using namespace qtool::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kBackend = R"json({
  "name": "small",
  "dtype_configs": {
    "u8": {"input": {"dtype": "uint8", "quant_max_upper_bound": 127, "scale_min_lower_bound": 0.000244140625},
           "output": {"dtype": "uint8", "quant_max_upper_bound": 127, "scale_min_lower_bound": 0.000244140625}, "weight": "int8", "bias": "int32"}
  },
  "patterns": [
    {"pattern": "Relu(Conv(?x, ?w, ?b=))",
                     "root_module" : "Conv", "fused_module" : "ConvRelu", "dtype_configs" : ["u8"]
},
    {"pattern": "Add(MatMul(?x, const ?w), const ?b)", "root_module": "Linear", "fused_module": "Linear", "dtype_configs": ["u8"]}
  ]
})json";

std::string qconfig(int quant_max, const std::string& eps) {
  return R"({"global": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_min": 0, "quant_max": )" + std::to_string(quant_max) +
         ", \"eps\": " + eps + R"(}, "weight": {"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"}}})";
}

Model network(bool with_bn) {
  const std::string bn = with_bn ? "[bn] n = BatchNormalization (c, g, be, m, v)\n[relu] r = Relu (n)" : "[relu] r = Relu (c)";
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[8, 8] w, float[8] b, float[4, 3, 3, 3] k, float[4] g, float[4] be, float[4] m, float[4] v) => (float[1, 4, 6, 6] y) {
      [matmul] p = MatMul (x, w)
      [add] l = Add (p, b)
      [conv] c = Conv (l, k)
      )" + bn + R"(
      [sigmoid] y = Sigmoid (r)
    })",
                         13);
  add_weights(model, {"w", "b", "k", "g", "be", "m", "v"});
  for (float& value : model.graph->find("v")->producer().weight->tensor.mutable_data<float>()) value = value * value + 0.5f;
  return model;
}

struct Prepared {
  Model model;
  QuantPlan plan;
  std::vector<Diagnostic> said;
};

Prepared prepared(bool with_bn, int quant_max, const std::string& eps) {
  Prepared result{network(with_bn), {}, {}};
  Diagnostics diagnostics;
  const PrepareOptions options{
      QConfigMapping::parse(qconfig(quant_max, eps), "q.json"), BackendConfig::parse(kBackend, "small.json"), {}, {}};
  result.plan = prepare(result.model, options, diagnostics);
  result.said = diagnostics.all();
  for (NodeDecision& each : result.plan.nodes) each.qconfig = nullptr;  // options end here
  return result;
}

}  // namespace

TEST_CASE("linear - conv - relu - sigmoid: both quantized, sigmoid float, one observer between them") {
  const Prepared result = prepared(false, 127, "0.000244140625");
  CHECK(decision(result.plan, "matmul").quantized);
  CHECK(decision(result.plan, "conv").quantized);
  CHECK_FALSE(decision(result.plan, "sigmoid").quantized);
  CHECK(result.plan.tensors.count(result.model.graph->find("l")) == 1);
}

TEST_CASE("linear - conv - bn - relu - sigmoid: only linear is quantized; conv, bn and relu stay apart") {
  const Prepared result = prepared(true, 127, "0.000244140625");
  CHECK(decision(result.plan, "matmul").quantized);
  for (const char* name : {"conv", "bn", "relu"}) {
    CHECK_FALSE(decision(result.plan, name).quantized);
    CHECK(decision(result.plan, name).call->kind() == NodeKind::call_function);
  }
}

TEST_CASE("quant_max 255 and a small eps: nothing is quantized, with two reasons a node") {
  const Prepared result = prepared(false, 255, "1.19e-7");
  CHECK_FALSE(result.plan.quantizes_anything());
  for (const char* name : {"matmul", "conv"}) {
    std::string all;
    for (const std::string& reason : decision(result.plan, name).reasons) all += reason + "\n";
    CHECK_THAT(all, ContainsSubstring("255"));
    CHECK_THAT(all, ContainsSubstring("eps"));
  }
  const auto breaches =
      std::count_if(result.said.begin(), result.said.end(), [](const Diagnostic& each) { return each.kind == "constraint"; });
  CHECK(breaches == 2);  // sigmoid is not in the backend: no mistake of the qconfig
}
