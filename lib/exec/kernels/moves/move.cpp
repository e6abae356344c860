// Operators that only move elements (Reshape, Transpose, Slice, Gather, Split, ...): on codes as they lie, through eval; Transpose of
// two dimension groups through our kernel.

#include <algorithm>
#include <array>
#include <cstring>

#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/operands.h"
#include "kernels/registry.h"
#include "ops/op_def.h"

namespace qtool::lowerings {
namespace {

constexpr std::array<std::string_view, 14> kMovers{"Reshape",  "Flatten", "Squeeze",      "Unsqueeze",   "Identity",
                                                   "Slice",    "Gather",  "Split",        "Expand",      "GatherElements",
                                                   "GatherND", "Tile",    "DepthToSpace", "SpaceToDepth"};

/// A permutation as batches of two groups that change places: [batch, rows, columns, unit] -> [batch, columns, rows, unit].
struct Exchange {
  int64_t batch = 1, rows = 1, columns = 1, unit = 1;
};

std::optional<Exchange> exchange_of(const Shape& shape, const std::vector<int64_t>& order) {
  size_t front = 0, back = order.size();
  while (front < back && order[front] == static_cast<int64_t>(front)) ++front;
  while (back > front && order[back - 1] == static_cast<int64_t>(back) - 1) --back;
  if (front == back) return Exchange{1, 1, 1, element_count(shape)};
  const auto middle = static_cast<size_t>(order[front]);  // where the second group begins in the input
  for (size_t d = front; d < back; ++d) {
    const size_t expected = d - front < back - middle ? middle + (d - front) : d - (back - middle);
    if (static_cast<size_t>(order[d]) != expected) return std::nullopt;
  }
  return Exchange{product(shape, 0, front), product(shape, front, middle), product(shape, middle, back),
                  product(shape, back, shape.size())};
}

/// Copies units of `bytes`; in the kernel where they are 1 or 4 bytes.
void exchange(const Exchange& e, const std::byte* from, std::byte* to, size_t width) {
  const size_t bytes = static_cast<size_t>(e.unit) * width, plane = static_cast<size_t>(e.rows * e.columns) * bytes;
  const auto rows = static_cast<size_t>(e.rows), columns = static_cast<size_t>(e.columns);
  for (int64_t b = 0; b < e.batch; ++b, from += plane, to += plane) {
    if (bytes == 1 || bytes == 4) {
      kernels::best<kernels::Transpose>().run({from, to, rows, columns, columns, rows, bytes});
      continue;
    }
    for (size_t c = 0; c < columns; ++c)
      for (size_t r = 0; r < rows; ++r) std::memcpy(to + (c * rows + r) * bytes, from + (r * columns + c) * bytes, bytes);
  }
}

/// Any order: units of the innermost dimensions that stay in place.
void permute(const Shape& shape, const std::vector<int64_t>& order, const std::byte* from, std::byte* to, size_t width) {
  const size_t rank = shape.size();
  size_t kept = rank;
  while (kept > 0 && order[kept - 1] == static_cast<int64_t>(kept) - 1) --kept;
  const size_t bytes = static_cast<size_t>(product(shape, kept, rank)) * width;
  const Shape steps = strides_of(shape);
  Shape index(kept, 0);
  int64_t source = 0;
  const int64_t units = product(shape, 0, kept);
  for (int64_t u = 0; u < units; ++u, to += bytes) {
    std::memcpy(to, from + static_cast<size_t>(source) * width, bytes);
    for (size_t d = kept; d-- > 0;) {
      const auto axis = static_cast<size_t>(order[d]);
      source += steps[axis];
      if (++index[d] < shape[axis]) break;
      source -= steps[axis] * shape[axis];
      index[d] = 0;
    }
  }
}

/// Parameters may not change, and everything but the data must be constant or an input of the step.
std::optional<DType> moved_type(const Cluster& cluster) {
  const Operand& x = cluster.inputs[0];
  if (!x.quantized()) return DType::undefined;
  for (const Operand& output : cluster.outputs)
    if (!output.quantized() || output.params->scales != x.params->scales || output.params->zero_points != x.params->zero_points)
      return std::nullopt;
  return x.params->dtype;
}

}  // namespace

LowerResult lower_transpose(const Model&, const Cluster& cluster) {
  const auto type = moved_type(cluster);
  if (!type || cluster.inputs[0].constant()) return Declined{"parameters change, or a constant"};
  return make_lowered(
      LayoutRule::plain, "transpose",
      [order = cluster.root->attr_or("perm", std::vector<int64_t>{})](StepInputs in, std::span<Array> out, StepContext& context) {
        const Tensor& x = in[0]->tensor;
        const size_t width = element_size(x.dtype()), rank = x.rank();
        if (width == 0) throw CannotRun("elements without a size");
        std::vector<int64_t> perm = order;
        for (size_t d = rank; perm.size() < rank && d-- > 0;) perm.push_back(static_cast<int64_t>(d));
        if (perm.size() != rank) throw CannotRun("a permutation of another rank");
        Shape shape;
        for (const int64_t axis : perm) shape.push_back(x.shape()[static_cast<size_t>(normalize_axis(axis, rank))]);
        out[0] = {context.pool.tensor(x.dtype(), shape), Layout::plain};
        if (x.size() == 0) return;
        if (const auto pair = exchange_of(x.shape(), perm))
          exchange(*pair, x.bytes(), out[0].tensor.mutable_bytes(), width);
        else
          permute(x.shape(), perm, x.bytes(), out[0].tensor.mutable_bytes(), width);
      });
}

/// Gather of channels in channels_last layout: every pixel's permuted, in the kernel where elements are bytes.
LowerResult lower_channel_gather(const Model&, const Cluster& cluster) {
  const Operand& x = cluster.inputs[0];
  const auto type = moved_type(cluster);
  const Tensor* order = cluster.inputs.size() == 2 && cluster.inputs[1].value ? cluster.inputs[1].value->constant() : nullptr;
  if (!type || x.constant() || !x.value->type.dims || x.value->type.dims->size() < 3 || !order || order->rank() != 1 ||
      order->size() == 0 || cluster.root->attr_or("axis", int64_t{0}) != 1)
    return Declined{"no choice of channels"};
  const Dim channels = (*x.value->type.dims)[1];
  if (!channels.known()) return Declined{"the number of channels is unknown"};
  std::vector<uint32_t> index;
  for (int64_t i : order->to_ints()) {
    if (i < 0) i += channels.value;
    if (i < 0 || i >= channels.value) return Declined{"an index out of range"};
    index.push_back(static_cast<uint32_t>(i));
  }
  const auto table = std::make_shared<kernels::PermuteTable>(index, static_cast<size_t>(channels.value));
  const auto& kernel = kernels::best<kernels::Permute>();
  return make_lowered(
      LayoutRule::channels_last, std::string(kernel.name), [table, &kernel](StepInputs in, std::span<Array> out, StepContext& context) {
        const Tensor& x = in[0]->tensor;
        const size_t width = element_size(x.dtype());
        if (x.rank() < 3 || static_cast<size_t>(x.shape()[1]) != table->in_width || (width != 1 && width != 4))
          throw CannotRun("other channels, or elements of another size");
        Shape shape = x.shape();
        shape[1] = static_cast<int64_t>(table->index.size());
        out[0] = {context.pool.tensor(x.dtype(), shape), Layout::channels_last};
        if (x.size() == 0) return;
        const auto* from = reinterpret_cast<const uint8_t*>(x.bytes());
        auto* to = reinterpret_cast<uint8_t*>(out[0].tensor.mutable_bytes());
        in_parts(context.threads, x.size() / x.shape()[1], static_cast<int64_t>(2 * x.byte_size()), [&](int64_t first, int64_t last) {
          const auto begin = static_cast<size_t>(first), rows = static_cast<size_t>(last - first);
          const uint8_t* row = from + begin * table->in_width * width;
          uint8_t* made = to + begin * table->index.size() * width;
          if (width == 1) return kernel.run({row, made, rows, table.get()});
          for (size_t r = 0; r < rows; ++r, row += table->in_width * 4)
            for (const uint32_t i : table->index) std::memcpy(made, row + 4 * i, 4), made += 4;
        });
      });
}

LowerResult lower_move(const Model& model, const Cluster& cluster) {
  const Node& node = *cluster.root;
  const OpDef* op = find_op(model, node);
  const auto type = moved_type(cluster);
  if (!type || !op || !op->eval || std::find(kMovers.begin(), kMovers.end(), node.op) == kMovers.end())
    return Declined{"not an operator that only moves elements"};
  return make_lowered(LayoutRule::plain, "eval", [&node, op, inputs = cluster.inputs](StepInputs in, std::span<Array> out, StepContext&) {
    std::vector<Tensor> from, to(node.output_count());
    size_t next = 0;
    for (const Operand& operand : inputs)
      from.push_back(!operand.value ? Tensor() : operand.constant() ? *operand.value->constant() : in[next++]->tensor);
    op->eval(node, from, to);
    for (size_t i = 0; i < out.size(); ++i) out[i] = {std::move(to[i]), Layout::plain};
  });
}

}  // namespace qtool::lowerings
