#include "quantize/constants_to_qdq.h"

#include <limits>

namespace qtool {
namespace {

class ConstantRewriter {
 public:
  ConstantRewriter(const QParams& qparams, const Placement& placement, QdqNodes& nodes)
      : qparams_(qparams), placement_(placement), nodes_(nodes) {}

  void rewrite(const NodeDecision& decision) {
    for (const size_t input : decision.constants) store(*decision.call, input);
    if (!decision.weight) return;
    store(*decision.call, decision.weight->input);
    if (decision.bias && placement_.bias == Placement::Bias::int32_dq) store_bias(decision);
  }

  void store(Node& call, size_t input) {
    const ConstantParams* chosen = qparams_.constant_of(call, input);
    if (!chosen) throw bug("to_qdq: no parameters for input " + std::to_string(input) + " of " + call.path());
    const Value& original = *call.in(input);
    put(call, input, original, chosen->params, [&] { return quantize(*original.constant(), chosen->params, chosen->codes); });
  }

 private:
  struct Stored {
    const Value* original;
    QuantParams params;
    Value* real;
  };

  void store_bias(const NodeDecision& decision) {
    const Value& original = *decision.call->in(*decision.bias);
    const float input_scale = qparams_.tensors.at(decision.call->in(decision.data.front())).scale();
    const ConstantParams* weight = qparams_.constant_of(*decision.call, decision.weight->input);
    auto [codes, params] = quantize_bias(*original.constant(), input_scale, weight->params);
    put(*decision.call, *decision.bias, original, params, [&, stored = codes] { return stored; });
  }

  template <class MakeCodes>
  void put(Node& call, size_t input, const Value& original, const QuantParams& params, MakeCodes&& make_codes) {
    Value* real = nullptr;
    for (const Stored& stored : stored_)
      if (stored.original == &original && stored.params == params) real = stored.real;
    if (!real) {
      real = &nodes_.constant(take_name(const_cast<Value&>(original)), make_codes(), params);
      stored_.push_back({&original, params, real});
    }
    call.graph().set_input(call, input, real);
  }

  /// The DQ output takes the constant's name; the float initializer steps aside (and vanishes when nobody else uses it).
  std::string take_name(Value& original) {
    const auto found = names_.find(&original);
    if (found != names_.end()) return found->second;
    const std::string name = original.name();
    Graph& graph = original.producer().graph();
    graph.rename(original, graph.fresh_name(name + "_float"));
    return names_[&original] = name;
  }

  const QParams& qparams_;
  const Placement& placement_;
  QdqNodes& nodes_;
  std::vector<Stored> stored_;
  std::map<const Value*, std::string> names_;
};

}  // namespace

std::pair<Tensor, QuantParams> quantize_bias(const Tensor& bias, float input_scale, const QuantParams& weight) {
  QuantParams params{DType::int32, weight.per_channel() ? 0 : -1, {}, std::vector<int32_t>(weight.scales.size(), 0)};
  for (const float scale : weight.scales) params.scales.push_back(input_scale * scale);
  constexpr CodeRange codes{std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  if (params.scales.size() == 1) params = {DType::int32, -1, params.scales, {0}};
  return {quantize(bias, params, codes), params};
}

void constants_to_qdq(const QuantPlan& plan, const QParams& qparams, const Placement& placement, QdqNodes& nodes) {
  ConstantRewriter rewriter(qparams, placement, nodes);
  for (const NodeDecision& decision : plan.nodes)
    if (decision.quantized) rewriter.rewrite(decision);
  for (const StoredTable& table : plan.tables) rewriter.store(*table.call, table.input);
}

}  // namespace qtool
