// Random models: tidy, and fusion with all rewrites, never change the numbers or the public names.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <random>

#include "evaluate.h"
#include "ops/op_def.h"
#include "pass/fuse.h"
#include "pass/tidy.h"
#include "support/models.h"

namespace qtool {
namespace {

using namespace testing;

/// Grows a model of images [N, C, H, W] node by node.
class Grower {
 public:
  explicit Grower(unsigned seed) : generator_(seed) {
    model_.opsets = {{"", 17}};
    values_.push_back(graph().add_placeholder("x", {DType::float32, std::vector<Dim>{{-1, "N"}, {kChannels, ""}, {6, ""}, {6, ""}}}).out());
  }

  Model grow(int nodes) {
    for (int i = 0; i < nodes; ++i) add();
    std::vector<Value*> outputs{values_.back()};
    if (roll(3) == 0 && values_.size() > 2) outputs.push_back(values_[values_.size() - 2]);
    graph().set_outputs_of_graph(outputs);
    infer_types(model_);
    return std::move(model_);
  }

 private:
  static constexpr int64_t kChannels = 4;
  Graph& graph() { return *model_.graph; }
  unsigned roll(unsigned sides) { return static_cast<unsigned>(generator_() % sides); }
  std::string name() { return "v" + std::to_string(count_++); }

  Value* weight(const Shape& shape, float lo = -1, float hi = 1) {
    Tensor tensor(DType::float32, shape);
    std::uniform_real_distribution<float> numbers(lo, hi);
    for (float& value : tensor.mutable_data<float>()) value = numbers(generator_);
    return graph().add_weight(name(), tensor).out();
  }
  Value* integers(const std::vector<int64_t>& values) {
    return graph().add_weight(name(), Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values)).out();
  }
  Value* scalar(float value) { return graph().add_weight(name(), Tensor::scalar(value)).out(); }
  Value* call(const char* op, const std::vector<Value*>& inputs) { return &graph().call(op, inputs, name()); }

  /// Mostly the newest value, so that chains grow; sometimes an older one, so that values are shared.
  Value* pick() { return roll(5) == 0 ? values_[roll(static_cast<unsigned>(values_.size()))] : values_.back(); }

  Value* conv(Value* x) {
    const bool grouped = roll(3) == 0;
    const int64_t kernel = roll(2) == 0 ? 1 : 3;
    Value* w = roll(4) == 0 && shared_ && kernel == 1 && !grouped ? shared_ : weight({kChannels, grouped ? 1 : kChannels, kernel, kernel});
    if (kernel == 1 && !grouped) shared_ = w;
    const bool biased = roll(2) == 0;
    Value* y = call("Conv", biased ? std::vector<Value*>{x, w, weight({kChannels})} : std::vector<Value*>{x, w});
    if (grouped) y->producer().set_attribute("group", kChannels);
    if (kernel == 3) y->producer().set_attribute("pads", std::vector<int64_t>{1, 1, 1, 1});
    return y;
  }

  Value* batch_norm(Value* x) {
    return call("BatchNormalization", {x, weight({kChannels}), weight({kChannels}), weight({kChannels}), weight({kChannels}, 0.5f, 2)});
  }

  Value* constant() {
    const Shape shapes[] = {{}, {1}, {kChannels, 1, 1}, {1, kChannels, 1, 1}, {6}};
    return weight(shapes[roll(5)], 0.5f, 2);
  }

  Value* binary(Value* x) {
    const char* const ops[] = {"Add", "Mul", "Sub", "Div"};
    const char* op = ops[roll(4)];
    return roll(3) == 0 && op[0] != 'D' ? call(op, {constant(), x}) : call(op, {x, constant()});
  }

  Value* hard_swish(Value* x) {
    Value* clipped = call("Clip", {call("Add", {x, scalar(3)}), scalar(0), scalar(6)});
    return call("Div", {call("Mul", {x, clipped}), scalar(6)});
  }

  Value* padded_pool(Value* x) {
    Value* padded = call("Pad", {x, integers({0, 0, 1, 1, 0, 0, 1, 1})});
    Value* y = call("AveragePool", {padded});
    y->producer().set_attribute("kernel_shape", std::vector<int64_t>{3, 3});
    return y;
  }

  /// Flatten and back, the way exporters compute it.
  Value* reshaped(Value* x) {
    Value* batch = call("Slice", {call("Shape", {x}), integers({0}), integers({1})});
    Value* shape = call("Concat", {batch, integers({kChannels, 6, 6})});
    shape->producer().set_attribute("axis", int64_t{0});
    Value* flat = call("Flatten", {x});
    return call("Reshape", {flat, shape});
  }

  Value* residual(Value* x) {
    Value* other = values_[roll(static_cast<unsigned>(values_.size()))];
    return roll(3) == 0 ? call("Sum", {x, other}) : call("Add", {x, other});
  }

  void add() {
    Value* x = pick();
    switch (roll(14)) {
      case 0:
      case 1:
      case 2:
        return keep(conv(x));
      case 3:
      case 4:
        return keep(batch_norm(x));
      case 5:
      case 6:
      case 7:
        return keep(binary(x));
      case 8:
        return keep(hard_swish(x));
      case 9:
        return keep(padded_pool(x));
      case 10:
        return keep(reshaped(x));
      case 11:
        return keep(residual(x));
      case 12:
        return keep(call(roll(2) == 0 ? "Identity" : "Dropout", {x}));
      default:
        return keep(call(roll(2) == 0 ? "Relu" : "Tanh", {x}));
    }
  }
  void keep(Value* value) { values_.push_back(value); }

  std::mt19937 generator_;
  Model model_;
  std::vector<Value*> values_;
  Value* shared_ = nullptr;
  int count_ = 0;
};

std::vector<FusionRule> all_rules() {
  struct Row {
    const char *pattern, *module, *method;
  };
  std::vector<FusionRule> rules;
  for (const Row& row :
       {Row{"Relu(BatchNormalization(Conv(?x, ?w, ?b=), ...))", "ConvRelu", "fold_bn"}, Row{"Relu(Conv(?x, ?w, ?b=))", "ConvRelu", ""},
        Row{"Relu(Add(Conv(?x, ?w, ?b=), ?y))", "ConvAddRelu", ""}, Row{"Add(Conv(?x, ?w, ?b=), ?y)", "ConvAdd", ""},
        Row{"BatchNormalization(Conv(...), ...)", "", "fold_bn"}, Row{"Mul|Div(Conv|BatchNormalization(...), const)", "", "fold_mul"},
        Row{"Add|Sub(Conv|BatchNormalization(...), const)", "", "fold_add"},
        Row{"Conv(Mul|Add|Sub|Div|BatchNormalization(...), ...)", "", "fold_bn_forward"},
        Row{"Conv|AveragePool(Pad(...), ...)", "", "fold_pad"}, Row{"BatchNormalization(?x, ...)", "", "bn_to_conv"},
        Row{"Sub(?x, const)", "", "sub_to_add"}, Row{"Div(?x, const)", "", "div_to_mul"},
        Row{"Div(Mul(?x, Clip(Add(?x, 3), 0, 6)), 6)", "HardSwish", ""}})
    rules.push_back({Pattern::parse(row.pattern), row.module, row.method, "", 0});
  return rules;
}

TEST_CASE("random models: tidy keeps the bits, fusion the numbers") {
  const auto seed = GENERATE(range(1u, 200u));
  CAPTURE(seed);
  Model model = Grower(seed).grow(4 + static_cast<int>(seed % 12));
  const Values inputs = random_inputs(model, seed), before = evaluate(model, inputs);
  tidy(model);
  CHECK(distance(before, evaluate(model, inputs)) == 0);
  infer_types(model);
  run_pass(model, "fuse", [](Model& m) { return fuse(m, all_rules(), [](const Node&) { return true; }); });
  CHECK(distance(before, evaluate(model, inputs)) < 1e-4);
  CHECK(to_table(reloaded(model)) == to_table(model));
  inline_functions(model, [](const Node&) { return false; });
  lint(model, "inline");
  CHECK(distance(before, evaluate(model, inputs)) < 1e-4);
  CHECK(model.functions.empty());
}

}  // namespace
}  // namespace qtool
