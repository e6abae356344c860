#include "exec/kernels/products/float_side.h"

#include <algorithm>
#include <utility>

namespace qtool::lowerings {
std::optional<Bounds> kernel_bounds(const Cluster& head, size_t first) {
  const auto bounds = bounds_of(std::span(head.post_ops).subspan(first));
  if (!bounds || !(bounds->low <= bounds->high) || bounds->high == 0) return std::nullopt;
  return Bounds{bounds->low == 0 ? 0.0f : bounds->low, bounds->high};  // no negative zero
}

namespace {

std::optional<FloatProduct> read_product(Tensor weights, const Cluster& head, const Operand* bias, const Channels& channels, size_t first,
                                         std::string& reason) {
  if (bias && bias->value && !bias->constant()) return reason = "the weight or bias is no constant", std::nullopt;
  FloatProduct product{std::move(weights), real_bias(bias, channels.count), {}};
  const auto bounds = kernel_bounds(head, first);
  if (!bounds) return reason = "no kernel for floats like these", std::nullopt;
  if (product.bias.size() != static_cast<size_t>(channels.count))
    return reason = "the bias has another length than the output channels", std::nullopt;
  product.bounds = *bounds;
  for (size_t i = 0; i < first; ++i) {
    const std::vector<float> values = channel_values(head.post_ops[i].operand, channels);
    for (size_t c = 0; c < values.size(); ++c) product.bias[c] += values[c];
  }
  return product;
}

}  // namespace

std::optional<FloatProduct> read_float_product(const Cluster& head, const Channels& channels, size_t first, std::string& reason) {
  const Operand& w = head.inputs[1];
  if (!w.constant()) return reason = "the weight or bias is no constant", std::nullopt;
  Tensor weights = w.quantized() ? dequantize(*w.value->constant(), *w.params) : *w.value->constant();
  if (weights.dtype() != DType::float32) return reason = "no kernel for floats like these", std::nullopt;
  return read_product(std::move(weights), head, head.inputs.size() > 2 ? &head.inputs[2] : nullptr, channels, first, reason);
}

std::optional<FloatProduct> read_packed_product(const Cluster& head, const Operand* bias, const Channels& channels, size_t first,
                                                std::string& reason) {
  return read_product(Tensor(), head, bias, channels, first, reason);
}

void FloatSide::add(const WeightView& view, size_t first_channel, size_t) {
  Columns columns{{view.n, std::max<size_t>(1, view.taps.size()), view.depth}, {}, {}};
  columns.b.assign(columns.packing.size(), 0), columns.start.assign(columns.packing.padded_n(), 0);
  view.pack<kernels::FloatGemmPacking::kColumns>(std::as_const(product_.weights).data<float>().data(), columns.b.data());
  std::copy_n(product_.bias.data() + first_channel, view.n, columns.start.data());
  columns_.push_back(std::move(columns));
}

kernels::FloatGemmArgs FloatSide::arguments(size_t i) const {
  kernels::FloatGemmArgs args{};
  args.packing = columns_[i].packing, args.b = columns_[i].b.data(), args.start = columns_[i].start.data();
  args.lo = product_.bounds.low, args.hi = product_.bounds.high;
  return args;
}

void FloatSide::run(kernels::FloatGemmArgs args, size_t first, size_t last) const {
  const size_t column = first * kernels::FloatGemmPacking::kColumns;
  args.b += first * args.packing.panel_size();
  args.packing.n = std::min(args.packing.n, last * kernels::FloatGemmPacking::kColumns) - column;
  args.start += column;
  args.out += column;
  kernels::best<kernels::FloatGemm>().run(args);
}

}  // namespace qtool::lowerings
