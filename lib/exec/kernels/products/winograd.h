#pragma once
// 3 x 3 convolutions of stride 1 by Winograd's algorithm, where the processor has no dot product instructions: the same bytes as the
// direct product gives, by fewer instructions.

#include <optional>
#include <vector>

#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/image.h"

namespace qtool::lowerings {

class WinogradSide {
 public:
  /// Nothing where the convolution is none of those, `side` runs on another level, or its sums could leave the kernel's range.
  static std::optional<WinogradSide> of(const Node& conv, const CodeSide& side);

  /// Are these fewer instructions than the direct product's? A rule on extents alone.
  bool pays(const Geometry& geometry) const;

  /// `args`: those of the direct product, which give the epilogue. `image` as Image makes it.
  void run(const kernels::GemmArgs& args, const int8_t* image, const Geometry& geometry, std::byte* out, StepContext& context) const;

 private:
  explicit WinogradSide(kernels::WinogradPacking packing) : packing_(packing), weights_(packing.size()) {}
  /// Columns of panels [first, last) alone; `args` are otherwise those of all columns.
  void run_panels(kernels::WinogradArgs args, size_t first, size_t last) const;

  kernels::WinogradPacking packing_;
  std::vector<int16_t> weights_;
};

}  // namespace qtool::lowerings
