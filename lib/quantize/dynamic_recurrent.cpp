#include "quantize/dynamic_recurrent.h"

namespace qtool {
namespace {

constexpr const char* kOrtDomain = "com.microsoft";

struct Stored {
  Tensor codes, scales, zero_points;
};

/// Directions are quantized one by one: the scales of a unit differ between them.
Stored stored(const Tensor& weight, ObserverSpec spec, const Placement& placement) {
  spec.ch_axis = -1;
  const int64_t directions = weight.shape()[0], gates = weight.shape()[1], in = weight.shape()[2];
  Tensor codes(spec.dtype, {directions, in, gates});
  std::vector<float> scales;
  for (int64_t d = 0; d < directions; ++d) {
    const auto all = weight.floats().subspan(static_cast<size_t>(d * gates * in), static_cast<size_t>(gates * in));
    const Tensor matrix = transposed_matrix(Tensor::of<float>({gates, in}, {all.begin(), all.end()}));
    const ConstantParams chosen = weight_params(matrix, spec, 1, placement);
    const Tensor part = quantize(matrix, chosen.params, chosen.codes);
    std::copy_n(part.bytes(), part.byte_size(), codes.mutable_bytes() + static_cast<size_t>(d) * part.byte_size());
    scales.insert(scales.end(), chosen.params.scales.begin(), chosen.params.scales.end());
  }
  const Shape shape = static_cast<int64_t>(scales.size()) == directions ? Shape{directions} : Shape{directions, gates};
  return {codes, Tensor::of<float>(shape, scales), Tensor::zeros(spec.dtype, shape)};
}

}  // namespace

std::optional<std::string> not_ort_lstm(const Node& node) {
  if (!node.is("LSTM")) return node.op + " has no operator in com.microsoft";
  if (node.attr_or("layout", 0) != 0) return "DynamicQuantizeLSTM has no layout";
  return std::nullopt;
}

void to_ort_lstm(Model& model, Node& node, const ObserverSpec& spec, const Placement& placement) {
  Graph &graph = node.graph(), &main = *model.graph;
  auto add = [&](const std::string& name, Tensor tensor) { return main.add_weight(main.fresh_name(name), std::move(tensor)).out(0); };
  std::vector<Value*> inputs{node.in(0), nullptr, nullptr, node.in(3), node.in(4), node.in(5), node.in(6), node.in(7)};
  for (const size_t input : {size_t{1}, size_t{2}}) {
    const Value& original = *node.in(input);
    Stored made = stored(*original.constant(), spec, placement);
    inputs[input] = add(original.name() + "_q", made.codes);
    inputs.push_back(add(original.name() + "_scale", made.scales));
    inputs.push_back(add(original.name() + "_zero_point", made.zero_points));
  }
  std::vector<std::string> outputs, names;
  for (const auto& value : node.outputs()) {
    names.push_back(value ? value->name() : "");
    if (value) graph.rename(*value, graph.fresh_name(value->name() + "_float"));
    outputs.push_back(names.back());
  }
  Node& made = graph.add_call(NodeKind::call_function, kOrtDomain, "DynamicQuantizeLSTM", inputs, outputs, &node);
  made.name = node.name;
  made.attributes = node.attributes;
  made.remove_attribute("layout");
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (!node.out(i)) continue;
    made.out(i)->type = node.out(i)->type;
    graph.replace_uses(*node.out(i), *made.out(i));
  }
  graph.erase(node);
  if (model.opset(kOrtDomain) == 0) model.set_opset(kOrtDomain, 1);
}

}  // namespace qtool
