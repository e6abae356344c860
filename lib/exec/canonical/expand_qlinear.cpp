#include "exec/canonical/expand_qlinear.h"

#include "exec/cluster/quantized.h"
#include "ops/helpers/qlinear.h"

namespace qtool {
namespace {

class Expander {
 public:
  Expander(Model& model, Graph& graph) : model_(model), graph_(graph) {}

  void run() {
    for (Node& node : graph_.editable())
      if (const auto form = qlinear_form(node); form && can_expand(node, *form)) expand(node, *form);
  }

 private:
  /// The float operator means the same here; all scales, and the bias, are constants.
  bool can_expand(const Node& node, const QLinearForm& form) const {
    const OpDef* meant = find_op("", form.float_op, form.opset);
    if (!meant || meant != find_op("", form.float_op, model_.opset()) || model_.opset() < 10 || !node.out(0)) return false;
    for (const auto& operand : form.operands)
      if (!node.in(operand.codes) || !constant_in(node, operand.scale)) return false;
    if (form.bias && node.in(*form.bias) && !constant_in(node, *form.bias)) return false;
    const bool float_result = !node.in(form.y_scale);
    return float_result || node.in(form.y_zero) || node.in(form.operands.at(0).codes)->type.dtype != DType::undefined;
  }

  void expand(Node& node, const QLinearForm& form) {
    std::vector<Value*> inputs;
    for (const size_t i : form.plain) inputs.push_back(node.in(i));
    for (const auto& operand : form.operands) inputs.push_back(&real(node, operand));
    if (form.bias && node.in(*form.bias)) inputs.push_back(&real_bias(node, form));
    const std::string name = node.out(0)->name();
    Value& y = graph_.call(std::string(form.float_op), inputs, graph_.fresh_name(name + "_real"), &node);
    y.producer().name = node.name;
    y.producer().attributes = node.attributes;
    y.type = {DType::float32, node.out(0)->type.dims};
    Value& result = node.in(form.y_scale) ? quantized(node, form, y) : y;
    graph_.replace_uses(*node.out(0), result);
    graph_.erase(node);
    graph_.rename(result, name);
  }

  Value& dequantize(Node& node, Value& codes, Value& scale, Value* zero, int64_t axis) {
    std::vector<Value*> inputs{&codes, &scale};
    if (zero) inputs.push_back(zero);
    Value& real = graph_.call("DequantizeLinear", inputs, graph_.fresh_name(codes.name() + "_real"), &node);
    if (scale.constant()->size() > 1) real.producer().set_attribute("axis", axis);
    real.type = {DType::float32, codes.type.dims};
    return real;
  }

  Value& real(Node& node, const QLinearForm::Operand& operand) {
    return dequantize(node, *node.in(operand.codes), *node.in(operand.scale), node.in(operand.zero), operand.axis);
  }

  Value& real_bias(Node& node, const QLinearForm& form) {
    const float a = constant_in(node, form.operands[0].scale)->to_floats().at(0) * node.attr_or("alpha", 1.0f);
    const Tensor& b = *constant_in(node, form.operands[1].scale);
    std::vector<float> scales = b.to_floats();
    for (float& scale : scales) scale *= a;
    const std::vector<int32_t> zeros(scales.size(), 0);
    Value& scale = weight(node, "_bias_scale", Tensor::of<float>(b.shape(), scales));
    Value& zero = weight(node, "_bias_zero_point", Tensor::of<int32_t>(b.shape(), zeros));
    return dequantize(node, *node.in(*form.bias), scale, &zero, 0);
  }

  Value& quantized(Node& node, const QLinearForm& form, Value& y) {
    Value* zero = node.in(form.y_zero);
    const DType dtype = zero ? zero->type.dtype : node.in(form.operands[0].codes)->type.dtype;
    if (!zero) zero = &weight(node, "_zero_point", Tensor::scalar(int32_t{0}).cast(dtype));
    Value& codes =
        graph_.call("QuantizeLinear", {&y, node.in(form.y_scale), zero}, graph_.fresh_name(node.out(0)->name() + "_codes"), &node);
    codes.type = {dtype, y.type.dims};
    return codes;
  }

  Value& weight(const Node& node, const char* suffix, Tensor tensor) {
    return *graph_.add_weight(graph_.fresh_name(node.out(0)->name() + suffix), std::move(tensor)).out(0);
  }

  Model& model_;
  Graph& graph_;
};

}  // namespace

void expand_qlinear(Model& model) {
  for_each_graph(*model.graph, [&](Graph& graph) { Expander(model, graph).run(); });
}

}  // namespace qtool
