#include <algorithm>
#include <numeric>

#include "kernels/registry.h"

namespace qtool::kernels {

PermuteTable::PermuteTable(std::vector<uint32_t> indices, size_t width) : index(std::move(indices)), in_width(width) {
  for (size_t block = 0; block < index.size(); block += 64) {
    first.push_back(steps.size());
    std::vector<size_t> left(std::min<size_t>(64, index.size() - block));
    std::iota(left.begin(), left.end(), block);
    while (!left.empty()) {
      Step step{};
      for (size_t half = 0; half < 2; ++half) {
        step.from[half] = left.empty() ? step.from[0] : chunk_with(left);
        std::erase_if(left, [&](size_t i) {
          const size_t at = index[i] - step.from[half];
          if (at >= 64) return false;
          step.lanes |= uint64_t{1} << (i - block);
          step.select[i - block] = static_cast<uint8_t>(64 * half + at);
          return true;
        });
      }
      steps.push_back(step);
    }
  }
  first.push_back(steps.size());
}

/// Where 64 inputs begin that hold the first that any of the outputs wants.
size_t PermuteTable::chunk_with(const std::vector<size_t>& outputs) const {
  size_t lowest = in_width;
  for (const size_t i : outputs) lowest = std::min<size_t>(lowest, index[i]);
  return std::min(lowest, in_width - std::min<size_t>(64, in_width));
}

void permute_scalar(const PermuteArgs& args) {
  const auto& index = args.table->index;
  for (size_t r = 0; r < args.rows; ++r)
    for (size_t i = 0; i < index.size(); ++i) args.out[r * index.size() + i] = args.in[r * args.table->in_width + index[i]];
}

}  // namespace qtool::kernels
