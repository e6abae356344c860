#pragma once
// The backend and the networks of the reference cases (docs/backends.md): Linear and Conv + ReLU alone, 7-bit activations, no scale
// below 2^-12.

#include "converted.h"

namespace qtool::testing {

inline constexpr const char* kBackend = R"json({
  "name": "small",
  "dtype_configs": {
    "u8": {"input": {"dtype": "uint8", "quant_max_upper_bound": 127, "scale_min_lower_bound": 0.000244140625},
           "output": {"dtype": "uint8", "quant_max_upper_bound": 127, "scale_min_lower_bound": 0.000244140625}, "weight": "int8", "bias": "int32"}
  },
  "patterns": [
    {"pattern": "Relu(Conv(?x, ?w, ?b=))",
     "root_module": "Conv", "fused_module": "ConvRelu", "dtype_configs": ["u8"]},
    {"pattern": "Add(MatMul(?x, const ?w), const ?b)", "root_module": "Linear", "fused_module": "Linear", "dtype_configs": ["u8"]}
  ]
})json";

inline std::string reference_qconfig(int quant_max, const std::string& eps) {
  return R"({"global": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_min": 0, "quant_max": )" + std::to_string(quant_max) +
         ", \"eps\": " + eps + R"(}, "weight": {"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"}}})";
}

inline Model reference_network(bool with_bn) {
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

inline PrepareOptions reference_options(int quant_max, const std::string& eps) {
  return {QConfigMapping::parse(reference_qconfig(quant_max, eps), "q.json"), BackendConfig::parse(kBackend, "small.json"), {}, {}};
}

}  // namespace qtool::testing
