#include "exec/kernels/products/packed_codes.h"

#include <algorithm>

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
  view.pack<kPanel>(codes, codes_.data());
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
  std::vector<uint8_t> panel(packing_.panel_size() + kPanel);  // and a row of zeros behind an odd one
  for (size_t p = 0; p < packing_.panels(); ++p) {
    WeightView one = view;
    one.offset += p * kPanel * view.step_n, one.n = std::min(kPanel, view.n - p * kPanel);
    std::fill(panel.begin(), panel.end(), uint8_t{0});
    one.pack<kPanel>(codes, panel.data());
    uint8_t* to = codes_.data() + p * panel_bytes();
    for (size_t row = 0; row < panel_bytes() / kPanel; ++row)
      for (size_t c = 0; c < kPanel; ++c)
        *to++ = static_cast<uint8_t>(panel[2 * row * kPanel + c] | panel[(2 * row + 1) * kPanel + c] << 4);
  }
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
