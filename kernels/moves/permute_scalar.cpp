#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {

PermuteTable::PermuteTable(std::vector<uint32_t> indices, size_t width) : index(std::move(indices)), in_width(width) {
  for (size_t block = 0; block < index.size(); block += 64) {
    first.push_back(steps.size());
    for (size_t window = 0; 128 * window < in_width; ++window) {
      Step step{window, 0, {}};
      for (size_t i = block; i < std::min(block + 64, index.size()); ++i) {
        if (index[i] / 128 != window) continue;
        step.lanes |= uint64_t{1} << (i - block);
        step.select[i - block] = static_cast<uint8_t>(index[i] % 128);
      }
      if (step.lanes) steps.push_back(step);
    }
  }
  first.push_back(steps.size());
}

void permute_scalar(const PermuteArgs& args) {
  const auto& index = args.table->index;
  for (size_t r = 0; r < args.rows; ++r)
    for (size_t i = 0; i < index.size(); ++i) args.out[r * index.size() + i] = args.in[r * args.table->in_width + index[i]];
}

}  // namespace qtool::kernels
