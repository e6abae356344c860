#include "exec/arm/products/columns.h"

#include <algorithm>

namespace qtool::arm {
namespace {

using kernels::GemmPacking;

void pack(const int8_t* weights, const WeightView& view, Columns& columns) {
  const GemmPacking& p = columns.packing;
  columns.b.assign(p.size(), 0);
  for (size_t t = 0; t < view.taps.size(); ++t)
    for (size_t n = 0; n < p.n; ++n)
      for (size_t k = 0; k < p.depth; ++k)
        columns.b[p.index(t, k, n)] = weights[view.offset + view.taps[t] + k * view.step_k + n * view.step_n];
  columns.lowest = std::find(columns.b.begin(), columns.b.end(), int8_t{-128}) != columns.b.end();
}

int64_t sum_of_column(const Columns& columns, size_t taps, size_t n) {
  int64_t sum = 0;
  for (size_t t = 0; t < taps; ++t)
    for (size_t k = 0; k < columns.packing.depth; ++k) sum += columns.b[columns.packing.index(t, k, n)];
  return sum;
}

}  // namespace

GemmPacking packing_of(size_t n, size_t taps, size_t depth) {
  return {n, taps, depth, kernels::gemm_tile(kernels::best<kernels::Gemm>().isa)};
}

std::optional<Ending> ending_of(const Cluster& head, size_t first) {
  if (!head.outputs[0].quantized()) return head.post_ops.size() == first ? std::optional(Ending{}) : std::nullopt;
  const auto bounds = lowerings::bounds_behind(head, first);
  if (!bounds) return std::nullopt;
  const QuantParams& out = *head.outputs[0].params;
  return Ending{kernels::GemmForm::codes, out.dtype, out.scale(), out.zero_point(), bounds->lo, bounds->hi};
}

Columns make_columns(const lowerings::CodeProduct& product, const WeightView& view, size_t first_channel, const Ending& ending) {
  const size_t taps = std::max<size_t>(1, view.taps.size());
  Columns columns{packing_of(view.n, taps, view.depth), {}, {}, {}, {}, false};
  pack(product.weights.data<int8_t>().data(), view, columns);
  const size_t padded = columns.packing.padded_n();
  columns.start.assign(padded, 0), columns.scale.assign(padded, 0), columns.shift.assign(padded, 0);
  for (size_t n = 0; n < view.n; ++n) {
    columns.start[n] = static_cast<int32_t>(-signed_zero_point(product) * sum_of_column(columns, view.taps.size(), n));
    columns.scale[n] = static_cast<float>(product.factors[first_channel + n] / ending.scale);
    columns.shift[n] = static_cast<float>(product.bias[first_channel + n] / ending.scale);
  }
  return columns;
}

kernels::GemmArgs arguments_of(const Columns& columns, const Ending& ending, const uint8_t* table) {
  kernels::GemmArgs args{};
  args.packing = columns.packing;
  args.b = columns.b.data(), args.b_lowest = columns.lowest;
  args.start = columns.start.data(), args.scale = columns.scale.data(), args.shift = columns.shift.data();
  args.form = ending.form, args.table = table;
  args.out_zero_point = ending.zero_point, args.lo = ending.lo, args.hi = ending.hi;
  return args;
}

std::string gemm_name(bool lowest) {
  const auto& kernel = kernels::best<kernels::Gemm>();
  return std::string(kernel.name) + (lowest && kernel.isa == kernels::Isa::neon ? " in 16 bits" : "");
}

}  // namespace qtool::arm
