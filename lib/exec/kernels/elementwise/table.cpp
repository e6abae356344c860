#include "exec/kernels/elementwise/table.h"

#include <cstring>

#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "kernels/registry.h"
#include "ops/op_def.h"

namespace qtool::lowerings {
namespace {

/// Looks n codes up; out may be the same bytes.
void look_up(const uint8_t* in, uint8_t* out, int64_t n, const Table& table, int threads) {
  in_parts(threads, n, 2 * n, [&](int64_t first, int64_t last) {
    kernels::best<kernels::Lookup>().run({in + first, out + first, static_cast<size_t>(last - first), table.data()});
  });
}

struct Link {
  const Node* node;
  const OpDef* op;
  size_t data;  ///< which input
};

/// node(x), its other inputs constant.
Tensor evaluate(const Link& link, const Tensor& x) {
  std::vector<Tensor> in(link.node->input_count());
  for (size_t i = 0; i < in.size(); ++i)
    if (link.node->in(i)) in[i] = i == link.data ? x : *link.node->in(i)->constant();
  std::vector<Tensor> out(link.node->output_count());
  link.op->eval(*link.node, in, out);
  return out[0];
}

class TableBehind : public Step {
 public:
  TableBehind(std::unique_ptr<Step> head, const Table& table, DType to) : head_(std::move(head)), table_(table), to_(to) {}

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    head_->run(inputs, outputs, context);
    Array codes = std::move(outputs[0]);
    if (codes.tensor.dtype() == to_)
      outputs[0] = codes;
    else
      outputs[0] = {context.pool.tensor(to_, codes.tensor.shape()), codes.layout};
    auto* out = reinterpret_cast<uint8_t*>(const_cast<std::byte*>(outputs[0].tensor.bytes()));  // fresh from the pool: nobody else's
    look_up(codes_in(codes), out, codes.tensor.size(), table_, context.threads);
  }

  std::string kernel() const override { return head_->kernel() + "+" + std::string(kernels::best<kernels::Lookup>().name); }

 private:
  const std::unique_ptr<Step> head_;
  const Table table_;
  const DType to_;
};

}  // namespace

std::optional<FloatFunction> chain_function(const Model& model, const std::vector<const Node*>& nodes) {
  std::vector<Link> chain;
  for (const Node* node : nodes) {
    const auto data = unary_data_input(model, *node);
    const OpDef* op = find_op(model, *node);
    if (!data || !op || !op->eval) return std::nullopt;
    chain.push_back({node, op, *data});
  }
  return [chain](const Tensor& x) {
    Tensor y = x;
    for (const Link& link : chain) y = evaluate(link, y);
    return y;
  };
}

Lowered with_table(Lowered head, const Table& table, DType to) {
  auto* own = dynamic_cast<TakesTable*>(head.step.get());
  if (own && own->take(table, to)) return head;
  return {std::make_unique<TableBehind>(std::move(head.step), table, to), head.layout};
}

Table table_of(const QuantParams& in, const QuantParams& out, const FloatFunction& f) {
  Tensor codes(in.dtype, {256});
  for (size_t i = 0; i < 256; ++i) codes.mutable_bytes()[i] = static_cast<std::byte>(i);
  const Tensor result = quantize(f(dequantize(codes, in)), out, full_range(out.dtype));
  Table table;
  std::memcpy(table.data(), result.bytes(), table.size());
  return table;
}

Lowered lower_table(const QuantParams& in, const QuantParams& out, const FloatFunction& f) {
  return lower_table(table_of(in, out, f), in.dtype, out.dtype);
}

Lowered lower_table(const Table& table, DType from, DType to) {
  const auto& kernel = kernels::best<kernels::Lookup>();
  return make_lowered(LayoutRule::same, std::string(kernel.name),
                      [table, from, to](StepInputs inputs, std::span<Array> outputs, StepContext& context) {
                        expect_type(*inputs[0], from);
                        outputs[0] = {context.pool.tensor(to, inputs[0]->tensor.shape()), inputs[0]->layout};
                        look_up(codes_in(*inputs[0]), codes_out(outputs[0]), inputs[0]->tensor.size(), table, context.threads);
                      });
}

}  // namespace qtool::lowerings
