#pragma once
// Images of a convolution as the product kernel reads them: padded where windows reach over the border, every window's rows as offsets.

#include <cstddef>
#include <vector>

#include "exec/kernels/windows/window.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// A convolution of 1 to 3 dimensions on one input shape, brought to three: leading dimensions of extent 1.
struct Geometry {
  static constexpr size_t kDims = 3;
  int64_t batch, channels;
  int64_t in[kDims], out[kDims], kernel[kDims], stride[kDims], dilation[kDims], begin[kDims];
  int64_t extent[kDims];  ///< of the image that windows read: padding included, what they leave out at the end cut off

  Geometry(const Window& window, const Shape& in, const Shape& out_spatial);
  bool padded() const;     ///< windows reach over a border
  bool is_matrix() const;  ///< every pixel is its own window
  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
  int64_t extent_pixels() const { return padded() ? extent[0] * extent[1] * extent[2] : in_pixels(); }
};

/// `x` (channels last), floats or codes, these flipped (u8 as s8, or the other way) where `flips`, with rows and columns of zeros (the code
/// `zero`) around where the geometry is padded; x's own bytes where they serve. `slack` bytes behind may be read, whatever they are. Holds
/// what it made.
class Image {
 public:
  Image(const Geometry& geometry, const Tensor& x, int32_t zero, bool flips, size_t slack, StepContext& context);
  template <class Element>
  const Element* data() const {
    return reinterpret_cast<const Element*>(data_);
  }

 private:
  std::shared_ptr<Buffer> made_;
  const std::byte* data_;
};

/// For every output pixel i and tap t of a window, at t * pixels + i: where it begins in an image, elements. Whole rows of a window are one
/// tap where `joined` (its columns must lie side by side).
std::vector<std::ptrdiff_t> window_offsets(const Geometry& geometry, bool joined);

}  // namespace qtool::lowerings
