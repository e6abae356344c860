// Concat along any axis, in any layout: floats, or 8-bit codes brought to the output's parameters by a table on the way.

#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/operands.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

/// Elements in front of, and from, `axis` on as they lie in memory.
struct Split {
  int64_t outer, inner;
};

Split split_at(const Shape& shape, size_t axis, Layout layout) {
  if (layout == Layout::plain || shape.size() < 3) return {product(shape, 0, axis), product(shape, axis, shape.size())};
  if (axis == 1) return {shape[0] * product(shape, 2, shape.size()), shape[1]};
  if (axis == 0) return {1, product(shape, 0, shape.size())};
  return {shape[0] * product(shape, 2, axis), product(shape, axis, shape.size()) * shape[1]};
}

/// How one input's bytes get to the output: as they are, or through a table.
struct Part {
  DType dtype = DType::undefined;  ///< undefined: any, the first input's
  std::optional<Table> table;
};

std::optional<std::vector<Part>> parts_of(const Cluster& cluster) {
  std::vector<Part> parts;
  const Operand& out = cluster.outputs[0];
  for (const Operand& in : cluster.inputs) {
    if (!in.value || in.constant() || in.quantized() != out.quantized()) return std::nullopt;
    if (!in.quantized()) {
      parts.emplace_back();
      continue;
    }
    if (!per_tensor_8bit(in) || !per_tensor_8bit(out)) return std::nullopt;
    Part part{in.params->dtype, std::nullopt};
    if (*in.params != *out.params) part.table = table_of(*in.params, *out.params, [](const Tensor& real) { return real; });
    parts.push_back(std::move(part));
  }
  return parts;
}

void copy_rows(const Part& part, const std::byte* from, std::byte* to, size_t rows, size_t bytes, size_t to_step, int threads) {
  const auto* codes = reinterpret_cast<const uint8_t*>(from);
  auto* out = reinterpret_cast<uint8_t*>(to);
  const uint8_t* table = part.table ? part.table->data() : nullptr;
  in_parts(threads, static_cast<int64_t>(rows), static_cast<int64_t>(2 * rows * bytes), [&](int64_t begin, int64_t end) {
    const auto first = static_cast<size_t>(begin), count = static_cast<size_t>(end - begin);
    kernels::best<kernels::CopyRows>().run({codes + first * bytes, bytes, out + first * to_step, to_step, count, bytes, table});
  });
}

void run_concat(const std::vector<Part>& parts, int64_t axis_attribute, const std::optional<DType>& code_type, StepInputs in,
                std::span<Array> out, StepContext& context) {
  const Layout layout = in[0]->layout;
  Shape shape = in[0]->tensor.shape();
  const auto axis = static_cast<size_t>(normalize_axis(axis_attribute, shape.size()));
  const DType dtype = code_type.value_or(in[0]->tensor.dtype());
  if (element_size(dtype) == 0) throw CannotRun("elements without a size");
  shape[axis] = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    expect_type(*in[i], parts[i].dtype == DType::undefined ? dtype : parts[i].dtype);
    Shape same = in[i]->tensor.shape();
    if (same.size() != shape.size() || in[i]->layout != layout) throw CannotRun("inputs of different ranks or layouts");
    const int64_t length = same[axis];
    same[axis] = shape[axis];
    if (same != shape) throw CannotRun("inputs differ in another dimension than the axis");
    shape[axis] += length;
  }
  out[0] = {context.pool.tensor(dtype, shape), layout};
  const size_t width = element_size(dtype), to_step = static_cast<size_t>(split_at(shape, axis, layout).inner) * width;
  std::byte* to = out[0].tensor.mutable_bytes();
  for (size_t i = 0; i < in.size(); ++i) {
    const Split split = split_at(in[i]->tensor.shape(), axis, layout);
    const size_t bytes = static_cast<size_t>(split.inner) * width;
    copy_rows(parts[i], in[i]->tensor.bytes(), to, static_cast<size_t>(split.outer), bytes, to_step, context.threads);
    to += bytes;
  }
}

}  // namespace

LowerResult lower_concat(const Model&, const Cluster& cluster) {
  if (!cluster.root->is("Concat") || cluster.outputs.size() != 1) return Declined{"not Concat"};
  const auto parts = parts_of(cluster);
  if (!parts) return Declined{"a constant or omitted input, or codes that are not per-tensor 8-bit"};
  const auto code_type = cluster.outputs[0].quantized() ? std::optional(cluster.outputs[0].params->dtype) : std::nullopt;
  return make_lowered(
      LayoutRule::same, "concat",
      [=, parts = *parts, axis = cluster.root->attr_or("axis", int64_t{1})](StepInputs in, std::span<Array> out, StepContext& context) {
        run_concat(parts, axis, code_type, in, out, context);
      });
}

}  // namespace qtool::lowerings
