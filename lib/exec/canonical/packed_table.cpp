#include "exec/canonical/packed_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "exec/canonical/stored_codes.h"
#include "ops/helpers/nbits.h"

namespace qtool {
namespace {

constexpr const char* kDomain = "com.microsoft";

/// Codes, and parameters in the shape of their blocks.
struct PackedTable {
  Tensor codes, scales, zeros;  ///< zeros undefined where they are 0
  int64_t axis, block;
  int64_t bits = 8;  ///< of codes within a byte of uint8
};

bool goes_on_as_codes(const Value& gathered) {
  return std::any_of(gathered.uses().begin(), gathered.uses().end(), [](const Use& use) { return is_quantize(*use.node); });
}

/// `given`, one in all or one a slice of the first axis, as one a row: of `shape`.
Tensor one_a_row(const Tensor& given, const Shape& shape) {
  const int64_t count = element_count(shape), each = count / given.size();
  std::vector<float> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = static_cast<float>(given.number_at(i / each));
  return Tensor::of<float>(shape, values).cast(given.dtype());
}

/// Parameters without blocks as those of blocks; false for those of other slices than the first axis has, or the second of a matrix.
bool spread(PackedTable& table, const StoredCodes& stored) {
  Shape shape = table.codes.shape();
  const bool rows = stored.per_tensor() || stored.per_slice_of(0);
  if (!rows && !(shape.size() == 2 && stored.per_slice_of(1))) return false;
  table.axis = rows ? std::ssize(shape) - 1 : 0;
  table.block = std::exchange(shape[static_cast<size_t>(table.axis)], 1);
  table.scales = rows ? one_a_row(table.scales, shape) : table.scales.reshaped(shape);
  if (table.zeros.defined()) table.zeros = rows ? one_a_row(table.zeros, shape) : table.zeros.reshaped(shape);
  return true;
}

/// 4 bits as two a byte, where rows are of even length and blocks lie along them.
void halve(PackedTable& table) {
  const Shape& shape = table.codes.shape();
  if (bit_width(table.codes.dtype()) != 4 || shape.back() % 2 != 0 || table.axis != std::ssize(shape) - 1) return;
  const int offset = is_signed(table.codes.dtype()) ? 8 : 0;
  const auto packed = [&](const Tensor& codes, int64_t width) {
    std::vector<uint8_t> bytes(static_cast<size_t>(codes.size()));
    const auto* from = reinterpret_cast<const uint8_t*>(codes.bytes());
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(from[i] + offset);
    Shape halves = codes.shape();
    halves.back() = (width + 1) / 2;
    return Tensor::of<uint8_t>(halves, packed_bits(bytes, codes.size() / width, width, 4));
  };
  if (!table.zeros.defined()) table.zeros = Tensor::zeros(table.codes.dtype(), table.scales.shape());
  table.codes = packed(table.codes, shape.back());
  table.zeros = packed(table.zeros, table.scales.shape().back());
  table.bits = 4;
}

std::optional<PackedTable> packed_table(const Node& gather) {
  if (!gather.is("Gather") || gather.attr_or("axis", 0) != 0 || !gather.in(1) || !gather.out(0)) return std::nullopt;
  const auto stored = stored_codes(gather.in(0));
  if (!stored || stored->codes->rank() < 2 || goes_on_as_codes(*gather.out(0))) return std::nullopt;
  PackedTable table{*stored->codes, *stored->scales, stored->zeros ? *stored->zeros : Tensor(), stored->axis, stored->block};
  if (!stored->zeros && table.codes.dtype() == DType::uint8) table.zeros = Tensor::zeros(DType::uint8, table.scales.shape());
  if (stored->block == 0 ? !spread(table, *stored) : !stored->per_block_of(stored->axis)) return std::nullopt;
  halve(table);
  return table;
}

void gather_from(Graph& graph, Node& gather, const PackedTable& table) {
  Value &old = *gather.out(0), &real = *gather.in(0);
  const auto constant = [&](const char* part, const Tensor& tensor) {
    return graph.add_weight(graph.fresh_name(real.name() + part), tensor).out(0);
  };
  std::vector<Value*> inputs{constant("_packed", table.codes), gather.in(1), constant("_scales", table.scales)};
  if (table.zeros.defined()) inputs.push_back(constant("_zeros", table.zeros));
  Node& made =
      graph.add_call(NodeKind::call_function, kDomain, "GatherBlockQuantized", inputs, {graph.fresh_name(old.name() + "_joined")}, &gather);
  made.name = gather.name;
  made.out(0)->type = old.type;
  made.set_attribute("bits", table.bits);
  made.set_attribute("quantize_axis", table.axis);
  made.set_attribute("block_size", table.block);
  graph.replace_uses(old, *made.out(0));
  graph.erase(gather);
  erase_if_unused(real);
}

}  // namespace

void gather_from_packed_tables(Model& model) {
  size_t found = 0;
  for_each_graph(*model.graph, [&](Graph& graph) {
    std::vector<Node*> gathers;
    for (Node& node : graph.nodes())
      if (node.is_call() && node.is("Gather")) gathers.push_back(&node);
    for (Node* gather : gathers)
      if (const auto table = packed_table(*gather)) gather_from(graph, *gather, *table), ++found;
  });
  if (found > 0 && model.opset(kDomain) == 0) model.set_opset(kDomain, 1);
}

}  // namespace qtool
