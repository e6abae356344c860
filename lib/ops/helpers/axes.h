#pragma once
// Reductions: which axes go, and walking what is folded together.

#include <optional>
#include <vector>

#include "ops/helpers/infer.h"

namespace qtool {

/// Axes of a reduction and what becomes of them.
struct Reduction {
  std::vector<bool> reduced;  ///< a dimension each
  bool keep = true;           ///< reduced dimensions stay as 1
  Shape output(const Shape& shape) const;
  Dims output(const std::vector<Dim>& dims) const;
};

/// nullopt axes: all. Throws Error(invalid_file) on axes outside.
Reduction reduction(const std::optional<std::vector<int64_t>>& axes, size_t rank, bool keep);

/// For every element of `shape`, in order, the index of the output element it belongs to.
std::vector<int64_t> output_index(const Shape& shape, const Reduction& reduction);

}  // namespace qtool
