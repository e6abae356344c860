#include "exec/kernels/products/packed_codes.h"

namespace qtool::lowerings {
namespace {

constexpr size_t kPanel = kernels::FloatGemmPacking::kColumns;

/// [groups, n] as [panels, groups, 8], zeros behind the last column.
template <class T>
std::vector<T> in_panels(const std::vector<T>& values, size_t n) {
  const size_t groups = values.size() / n, panels = (n + kPanel - 1) / kPanel;
  std::vector<T> result(panels * groups * kPanel, T{});
  for (size_t g = 0; g < groups; ++g)
    for (size_t c = 0; c < n; ++c) result[(c / kPanel * groups + g) * kPanel + c % kPanel] = values[g * n + c];
  return result;
}

/// Entries of a panel in what in_panels() made.
template <class T>
const T* of_panel(const std::vector<T>& values, size_t p, const kernels::FloatGemmPacking& packing) {
  return values.data() + p * (values.size() / packing.panels());
}

}  // namespace

ByteCodes::ByteCodes(const WeightView& view, const int8_t* codes, const Groups& groups)
    : packing_{view.n, 1, view.depth}, group_(groups.rows), codes_(packing_.size(), 0), scales_(in_panels(groups.scales, view.n)) {
  view.for_each(codes, [&](size_t t, size_t k, size_t n, int8_t code) { codes_[packing_.index(t, k, n)] = code; });
}

void ByteCodes::widen(size_t p, float* to) const {
  kernels::best<kernels::Widen>().run(
      {codes_.data() + p * packing_.panel_size(), of_panel(scales_, p, packing_), to, packing_.depth, group_});
}

void ByteCodes::multiply(kernels::GemvRow row, size_t p) const {
  row.packing.taps = 1, row.packing.depth = packing_.depth, row.scale = of_panel(scales_, p, packing_), row.group = group_;
  kernels::best<kernels::GemvBytes>().run({row, codes_.data() + p * packing_.panel_size()});
}

NibbleCodes::NibbleCodes(const WeightView& view, const uint8_t* codes, const Groups& groups)
    : packing_{view.n, 1, view.depth},
      group_(groups.rows),
      codes_(packing_.panels() * panel_bytes(), 0),
      scales_(in_panels(groups.scales, view.n)),
      zeros_(in_panels(groups.zeros, view.n)) {
  view.for_each(codes, [&](size_t, size_t k, size_t n, uint8_t code) {
    uint8_t& pair = codes_[n / kPanel * panel_bytes() + k / 2 * kPanel + n % kPanel];
    pair = static_cast<uint8_t>(pair | (code & 15) << 4 * (k % 2));
  });
}

void NibbleCodes::widen(size_t p, float* to) const {
  kernels::best<kernels::WidenNibbles>().run(
      {codes_.data() + p * panel_bytes(), of_panel(scales_, p, packing_), of_panel(zeros_, p, packing_), to, packing_.depth, group_});
}

void NibbleCodes::multiply(kernels::GemvRow row, size_t p) const {
  row.packing.taps = 1, row.packing.depth = packing_.depth, row.scale = of_panel(scales_, p, packing_), row.group = group_;
  kernels::best<kernels::GemvNibbles>().run({row, codes_.data() + p * panel_bytes(), of_panel(zeros_, p, packing_)});
}

}  // namespace qtool::lowerings
