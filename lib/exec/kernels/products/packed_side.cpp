#include "exec/kernels/products/packed_side.h"

#include <algorithm>

namespace qtool::lowerings {
namespace {

constexpr size_t kPanel = kernels::FloatGemmPacking::kColumns;
constexpr size_t kPanelsOfTile = 6;        ///< the widest tile of FloatGemm
constexpr size_t kFloatsAtOnce = 1 << 16;  ///< widened panels stay in the second cache

}  // namespace

template <class Codes>
PackedSide<Codes>::PackedSide(Codes codes, FloatProduct product)
    : codes_(std::move(codes)), bounds_(product.bounds), start_(std::move(product.bias)) {
  start_.resize(packing().padded_n(), 0);
}

template <class Codes>
kernels::FloatGemmArgs PackedSide<Codes>::arguments(size_t) const {
  kernels::FloatGemmArgs args{};
  args.packing = packing(), args.start = start_.data();
  args.lo = bounds_.low, args.hi = bounds_.high;
  return args;
}

template <class Codes>
void PackedSide<Codes>::run(kernels::FloatGemmArgs args, size_t first, size_t last) const {
  const size_t column = first * kPanel, columns = std::min(packing().n, last * kPanel) - column;
  if (args.m == 1)
    return codes_.multiply({args.a, {columns, 1, packing().depth}, nullptr, 0, start_.data() + column, args.lo, args.hi, args.out + column},
                           first);
  thread_local std::vector<float> widened;
  const size_t size = packing().panel_size(), most = std::clamp<size_t>(kFloatsAtOnce / size, 1, kPanelsOfTile);
  if (widened.size() < std::min(most, last - first) * size) widened.resize(most * size);
  float* const out = args.out;
  for (size_t panel = first; panel < last; panel += most) {
    const size_t end = std::min(panel + most, last);
    for (size_t p = panel; p < end; ++p) codes_.widen(p, widened.data() + (p - panel) * size);
    args.b = widened.data(), args.start = start_.data() + panel * kPanel, args.out = out + panel * kPanel;
    args.packing.n = std::min(packing().n, end * kPanel) - panel * kPanel;
    kernels::best<kernels::FloatGemm>().run(args);
  }
}

template class PackedSide<ByteCodes>;
template class PackedSide<NibbleCodes>;

}  // namespace qtool::lowerings
