#pragma once
// Small networks, quantized, damaged in one place, and what the report says of them.

#include <cmath>
#include <functional>

#include "calibrate/calibrate.h"
#include "data/npz.h"
#include "debug/sensitivity.h"
#include "exec/cluster/quantized.h"
#include "quantize/convert.h"
#include "support/models.h"

namespace qtool::testing {

inline const char* const kPerTensor = R"({"global": {
  "activation": {"observer": "minmax", "dtype": "uint8", "qscheme": "per_tensor_affine"},
  "weight": {"observer": "minmax", "dtype": "int8", "qscheme": "per_tensor_symmetric"}}})";
inline const char* const kPerChannel = R"({"global": {
  "activation": {"observer": "minmax", "dtype": "uint8", "qscheme": "per_tensor_affine"},
  "weight": {"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"}}})";

/// x -> a -> b -> c, three convolutions, ReLU behind the first two.
inline Model three_convs() {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[8, 3, 3, 3] wa, float[8, 8, 3, 3] wb, float[4, 8, 1, 1] wc, float[8] ba, float[8] bb, float[4] bc)
      => (float[1, 4, 4, 4] y) {
      [a] p = Conv (x, wa, ba)
      pa = Relu (p)
      [b] q = Conv (pa, wb, bb)
      qa = Relu (q)
      [c] y = Conv (qa, wc, bc)
    })");
  add_weights(model, {"wa", "wb", "wc", "ba", "bb", "bc"});
  return model;
}

inline Tensor& weight(Model& model, const std::string& name) { return model.graph->find(name)->producer().weight->tensor; }

/// One experiment: samples on disk, quantization, report.
class Planted {
 public:
  explicit Planted(Model model, std::string qconfig = kPerChannel) : real(std::move(model)), qconfig_(std::move(qconfig)) {
    for (int i = 0; i < 8; ++i) add_sample(i, 1);
  }

  void add_sample(int i, float times) {
    Tensor x = random_tensor(DType::float32, {1, 3, 8, 8}, "x" + std::to_string(i));
    for (float& value : x.mutable_data<float>()) value *= times;
    write_sample(i, x);
  }

  void write_sample(int i, const Tensor& x) {
    const NamedTensor array{"x", x};
    write_npz(dir_.path("s" + std::to_string(i) + ".npz"), {&array, 1});
  }

  SampleSet samples() const { return SampleSet({dir_.path()}, {InputSpec{"x", DType::float32, {1, 3, 8, 8}, true}}); }

  void quantize() {
    Diagnostics diagnostics;
    int8 = copy(real);
    prepare(int8, {QConfigMapping::parse(qconfig_, "q.json"), BackendConfig::built_in("x86"), {}, {}}, diagnostics);
    const CalibrateReport seen = calibrate(int8, "digest", samples(), {}, diagnostics);
    convert(int8, seen.stats, {}, diagnostics);
  }

  QuantParams params(const std::string& tensor) const { return *params_of(int8.graph->find(tensor)->producer()); }

  /// Other parameters for the rounding of a tensor.
  void requantize(const std::string& tensor, const std::function<void(QuantParams&)>& change) {
    Graph& graph = *int8.graph;
    Node& dequantize = graph.find(tensor)->producer();
    Node& quantize = dequantize.in(0)->producer();
    QuantParams params = *params_of(quantize);
    change(params);
    Value* scale = graph.add_weight(graph.fresh_name("scale"), Tensor::scalar(params.scale())).out(0);
    Value* zero_point = graph.add_weight(graph.fresh_name("zp"), Tensor::scalar(params.zero_point()).cast(params.dtype)).out(0);
    for (Node* node : {&quantize, &dequantize}) {
      graph.set_input(*node, 1, scale);
      graph.set_input(*node, 2, zero_point);
    }
  }

  debug::Report report(debug::SensitivityOptions options = {}) const {
    Diagnostics diagnostics;
    return debug::sensitivity_report(real, int8, samples(), options, diagnostics);
  }

  Model real, int8;

 private:
  TempDir dir_;
  std::string qconfig_;
};

/// "node: rule" of what the report puts first.
inline std::string first_of(const debug::Report& report) {
  const debug::NodeReport& node = *debug::ranking(report).at(0);
  return node.name + ": " + (node.causes.empty() ? "none" : node.causes[0].rule);
}

}  // namespace qtool::testing
