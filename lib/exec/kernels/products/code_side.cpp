#include "exec/kernels/products/code_side.h"

#include <algorithm>

namespace qtool::lowerings {

using kernels::GemmPacking;

const CodeKernel& signed_kernel() {
  static const auto& best = kernels::best<kernels::Gemm>();
  static const CodeKernel kernel{best.name, best.isa, best.run, false};
  return kernel;
}

const CodeKernel* unsigned_kernel() {
  static const auto& best = kernels::best<kernels::GemmU8>();
  static const CodeKernel kernel{best.name, best.isa, best.run, true};
  return best.isa == kernels::Isa::scalar ? nullptr : &kernel;
}

std::optional<Ending> ending_of(const Cluster& head, size_t first) {
  if (!head.outputs[0].quantized()) return head.post_ops.size() == first ? std::optional(Ending{}) : std::nullopt;
  const auto bounds = bounds_behind(head, first);
  if (!bounds) return std::nullopt;
  const QuantParams& out = *head.outputs[0].params;
  return Ending{kernels::GemmForm::codes, out.dtype, out.scale(), out.zero_point(), bounds->lo, bounds->hi};
}

bool fits_kernel(const Cluster& cluster, const Channels& channels) {
  const size_t first = leading_constants(cluster, channels);
  return cluster.outputs.size() == 1 && (ending_of(cluster, first) || residual_of(cluster, first));
}

std::string gemm_name(const CodeKernel& kernel, bool lowest) {
  return std::string(kernel.name) + (lowest && kernel.isa == kernels::Isa::neon ? " in 16 bits" : "");
}

namespace {

/// The weights as the kernel wants them, and the sums of their columns.
void pack(const WeightView& view, const int8_t* weights, const GemmPacking& packing, int8_t* packed, int32_t* sums) {
  if (const auto step_t = view.step_t()) {
    const auto* first = reinterpret_cast<const uint8_t*>(weights + view.offset + view.taps[0]);
    return kernels::best<kernels::GemmPack>().run({first, *step_t, view.step_k, view.step_n, 0, packing, packed, sums});
  }
  view.for_each(weights, [&](size_t t, size_t k, size_t n, int8_t weight) {
    packed[packing.index(t, k, n)] = weight;
    sums[n] += weight;
  });
}

}  // namespace

void CodeSide::add(const WeightView& view, size_t first_channel, size_t pieces) {
  Columns columns{kernel_->packing(view.n, std::max<size_t>(1, view.taps.size()), view.depth), {}, {}, {}, {}, false, pieces};
  const size_t padded = columns.packing.padded_n();
  columns.b.assign(columns.packing.size(), 0);
  columns.start.assign(padded, 0), columns.scale.assign(padded, 0), columns.shift.assign(padded, 0);
  pack(view, product_.weights.data<int8_t>().data(), columns.packing, columns.b.data(), columns.start.data());
  for (int32_t& start : columns.start) start *= -zero();
  columns.lowest = std::find(columns.b.begin(), columns.b.end(), int8_t{-128}) != columns.b.end();
  for (size_t n = 0; n < view.n; ++n) {
    columns.scale[n] = static_cast<float>(product_.factors[first_channel + n] / ending_.scale);
    columns.shift[n] = static_cast<float>(product_.bias[first_channel + n] / ending_.scale);
  }
  columns_.push_back(std::move(columns));
}

bool CodeSide::better_in_pieces(size_t taps, size_t depth, size_t columns) const {
  constexpr size_t kMostInPieces = 2048, kCostOfPiece = 25;  // multiply-accumulates that one piece of one row is worth
  const size_t total = taps * depth;
  if (kernel_->is_unsigned || taps == 1 || total > kMostInPieces) return false;
  return (taps * padded_depth(depth) - padded_depth(total)) * columns > kCostOfPiece * taps;
}

kernels::GemmArgs CodeSide::arguments(size_t i) const {
  const Columns& columns = columns_[i];
  kernels::GemmArgs args{};
  args.packing = columns.packing, args.pieces = columns.pieces;
  args.b = columns.b.data(), args.b_lowest = columns.lowest;
  args.start = columns.start.data(), args.scale = columns.scale.data(), args.shift = columns.shift.data();
  args.form = ending_.form, args.table = table_ ? table_->data() : nullptr;
  args.out_zero_point = ending_.zero_point, args.lo = ending_.lo, args.hi = ending_.hi;
  if (ending_.residual) args.second = ending_.residual->second;
  return args;
}

void CodeSide::run(kernels::GemmArgs args, size_t first, size_t last) const {
  const size_t column = first * args.packing.tile.nr, end = std::min(args.packing.n, last * args.packing.tile.nr);
  args.b += first * args.packing.panel_size();
  args.packing.n = end - column;
  args.start += column, args.scale += column, args.shift += column;
  if (args.second.other) args.second.other += column;
  args.out = static_cast<uint8_t*>(args.out) + column * (args.form == kernels::GemmForm::codes ? 1 : 4);
  kernel_->run(args);
}

bool CodeSide::take(const Table& table, DType to) {
  if (ending_.form != kernels::GemmForm::codes) return false;
  table_ = table;
  ending_.dtype = to;
  return true;
}

}  // namespace qtool::lowerings
