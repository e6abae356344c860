#pragma once
// Convolutions that leave out what lies on padding.

#include <cstddef>
#include <vector>

#include "exec/kernels/products/image.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

/// Output pixels of an image whose windows reach the same part of the kernel within it.
struct PixelClass {
  kernels::GemmPart part;               ///< taps: rows of the window; k: its columns, channels innermost
  std::vector<std::ptrdiff_t> offsets;  ///< taps x pixels: where the part of each row of a window begins in an image without padding
  std::vector<std::ptrdiff_t> places;   ///< of the pixels in the output, elements
  size_t pixels() const { return places.size(); }
};

/// All output pixels of an image, of two dimensions at most (Geometry's first: 1) whose last is not dilated.
std::vector<PixelClass> pixel_classes(const Geometry& geometry, int64_t out_channels);

}  // namespace qtool::lowerings
