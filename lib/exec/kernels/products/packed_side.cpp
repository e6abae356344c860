#include "exec/kernels/products/packed_side.h"

#include <algorithm>

namespace qtool::lowerings {
namespace {

constexpr size_t kPanel = kernels::FloatGemmPacking::kColumns;
constexpr size_t kPanelsOfTile = 6;        ///< the widest tile of FloatGemm
constexpr size_t kFloatsAtOnce = 1 << 16;  ///< widened panels stay in the second cache

}  // namespace

void PackedSide::add(const WeightView& view, size_t first_channel) {
  packing_ = {view.n, 1, view.depth};
  codes_.assign(packing_.size(), 0), start_.assign(packing_.padded_n(), 0);
  view.for_each(product_.weights.data<int8_t>().data(),
                [&](size_t t, size_t k, size_t n, int8_t weight) { codes_[packing_.index(t, k, n)] = weight; });
  std::copy_n(product_.bias.data() + first_channel, view.n, start_.data());
  scales_.resize(packing_.padded_n(), 0);
}

kernels::FloatGemmArgs PackedSide::arguments(size_t) const {
  kernels::FloatGemmArgs args{};
  args.packing = packing_, args.start = start_.data();
  args.lo = product_.bounds.low, args.hi = product_.bounds.high;
  return args;
}

void PackedSide::run(kernels::FloatGemmArgs args, size_t first, size_t last) const {
  thread_local std::vector<float> widened;
  const size_t size = packing_.panel_size(), most = std::clamp<size_t>(kFloatsAtOnce / size, 1, kPanelsOfTile);
  if (widened.size() < std::min(most, last - first) * size) widened.resize(most * size);
  float* const out = args.out;
  for (size_t panel = first; panel < last; panel += most) {
    const size_t end = std::min(panel + most, last);
    for (size_t p = panel; p < end; ++p)
      kernels::best<kernels::Widen>().run(
          {codes_.data() + p * size, scales_.data() + p * kPanel, widened.data() + (p - panel) * size, packing_.depth});
    args.b = widened.data(), args.start = start_.data() + panel * kPanel, args.out = out + panel * kPanel;
    args.packing.n = std::min(packing_.n, end * kPanel) - panel * kPanel;
    kernels::best<kernels::FloatGemm>().run(args);
  }
}

std::string PackedSide::kernel() const {
  return std::string(kernels::best<kernels::Widen>().name) + "+" + std::string(kernels::best<kernels::FloatGemm>().name);
}

}  // namespace qtool::lowerings
