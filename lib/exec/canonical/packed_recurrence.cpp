#include "exec/canonical/packed_recurrence.h"

#include "exec/cluster/quantized.h"
#include "graph/domains.h"
#include "ops/helpers/rnn.h"
#include "ops/helpers/scales.h"

namespace qtool {
namespace {

const Tensor* constant_in(const Node& node, size_t i) { return node.in(i) ? node.in(i)->constant() : nullptr; }

bool is_recurrence(const Node& node) {
  return (node.is("LSTM") || node.is("GRU") || node.is("RNN")) && node.attr_or(kDynamicAttribute, 0) == 0 && node.in(0);
}

bool fits_s8(const Node& dequantize, int64_t axis) {
  const Tensor &codes = *constant_in(dequantize, 0), &scale = *constant_in(dequantize, 1), *zero = constant_in(dequantize, 2);
  if (bit_width(codes.dtype()) < 8) return true;
  bool fits = true;
  ScaleMap(codes.shape(), scale.shape(), axis, dequantize.attr_or("block_size", 0)).for_each([&](int64_t i, int64_t at) {
    const double value = codes.number_at(i) - (zero ? zero->number_at(at) : 0);
    fits = fits && value >= -128 && value <= 127;
  });
  return fits;
}

/// Codes that a packed recurrence can hold: with one scale, one a row, or one a block of a row.
bool can_be_packed(const Value* real) {
  if (!real || !is_dequantize(real->producer())) return false;
  const Node& dequantize = real->producer();
  const Tensor *codes = constant_in(dequantize, 0), *scale = constant_in(dequantize, 1), *zero = constant_in(dequantize, 2);
  if (!codes || !scale || (dequantize.in(2) && !zero) || codes->rank() != 3 || codes->size() == 0) return false;
  if (!is_integer(codes->dtype()) || bit_width(codes->dtype()) > 8 || scale->dtype() != DType::float32) return false;
  if (zero && (zero->shape() != scale->shape() || zero->dtype() != codes->dtype())) return false;
  const int64_t block = dequantize.attr_or("block_size", 0), axis = dequantize.attr_or("axis", 1), positive = axis < 0 ? axis + 3 : axis;
  const Shape& shape = codes->shape();
  if (block > 0) {
    const Shape blocks{shape[0], shape[1], (shape[2] + block - 1) / block};
    return positive == 2 && block % 2 == 0 && scale->shape() == blocks && fits_s8(dequantize, 2);
  }
  const bool one = scale->size() == 1, rows = positive == 1 && scale->rank() == 1 && scale->size() == shape[1];
  return (one || rows) && fits_s8(dequantize, 1);
}

bool same_blocks(const Node& node) {
  const auto block = [&](size_t i) { return node.in(i)->producer().attr_or("block_size", 0); };
  return block(1) == block(2);
}

void pack(Graph& graph, Node& node) {
  Value *const w = node.in(1), *const r = node.in(2);
  std::vector<Value*> inputs{node.in(0), w->producer().in(0), r->producer().in(0)};
  for (size_t i = 3; i < 8; ++i) inputs.push_back(node.in(i));
  for (const Value* weight : {w, r})
    for (const size_t parameter : {size_t{1}, size_t{2}}) inputs.push_back(weight->producer().in(parameter));
  while (!inputs.back()) inputs.pop_back();
  std::vector<std::string> outputs;
  for (const auto& value : node.outputs()) outputs.push_back(value ? graph.fresh_name(value->name() + "_packed") : "");
  Node& made = graph.add_call(NodeKind::call_function, kPackedDomain, node.op, inputs, outputs, &node);
  made.name = node.name;
  made.attributes = node.attributes;
  if (const int64_t block = w->producer().attr_or("block_size", 0); block > 0) made.set_attribute("block_size", block);
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (!node.out(i)) continue;
    made.out(i)->type = node.out(i)->type;
    graph.replace_uses(*node.out(i), *made.out(i));
  }
  graph.erase(node);
  for (Value* weight : {w, r})
    if (weight->unused() && !weight->is_graph_output()) weight->producer().graph().erase(weight->producer());
}

}  // namespace

void pack_recurrences(Model& model) {
  bool found = false;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!is_recurrence(node) || !can_be_packed(node.in(1)) || !can_be_packed(node.in(2)) || !same_blocks(node)) continue;
      pack(graph, node);
      found = true;
    }
  });
  if (found && model.opset(kPackedDomain) == 0) model.set_opset(kPackedDomain, 1);
}

}  // namespace qtool
