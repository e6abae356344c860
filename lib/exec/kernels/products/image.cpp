#include "exec/kernels/products/image.h"

#include <algorithm>
#include <cstring>

#include "exec/kernels/parallel.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

void copy_codes(const uint8_t* from, uint8_t* to, size_t n, bool flip) {
  if (flip)
    kernels::best<kernels::Flip>().run({from, to, n});
  else
    std::memcpy(to, from, n);
}

/// How x becomes the padded image.
struct Padding {
  const Geometry& g;
  int64_t pixel;  ///< bytes
  int32_t zero;
  bool flip;

  /// One row, `y` counted over all rows of all images.
  void row(int64_t y, const uint8_t* x, uint8_t* to) const {
    const int64_t n = y / (g.extent[0] * g.extent[1]), depth = y / g.extent[1] % g.extent[0] - g.begin[0];
    const int64_t row = y % g.extent[1] - g.begin[1], width = g.extent[2] * pixel;
    to += y * width;
    if (depth < 0 || depth >= g.in[0] || row < 0 || row >= g.in[1]) {
      std::memset(to, zero, static_cast<size_t>(width));
      return;
    }
    const int64_t left = std::min(g.begin[2] * pixel, width), wide = std::min(g.in[2] * pixel, width - left);
    std::memset(to, zero, static_cast<size_t>(left));
    copy_codes(x + ((n * g.in[0] + depth) * g.in[1] + row) * g.in[2] * pixel, to + left, static_cast<size_t>(wide), flip);
    std::memset(to + left + wide, zero, static_cast<size_t>(width - left - wide));
  }
};

}  // namespace

Geometry::Geometry(const Window& window, const Shape& shape, const Shape& out_spatial) : batch(shape[0]), channels(shape[1]) {
  const size_t dims = window.kernel.size(), skipped = kDims - dims;
  for (size_t d = 0; d < kDims; ++d) {
    const bool there = d >= skipped;
    const size_t s = there ? d - skipped : 0;
    in[d] = there ? shape[s + 2] : 1, out[d] = there ? out_spatial[s] : 1, kernel[d] = there ? window.kernel[s] : 1;
    stride[d] = there ? window.strides[s] : 1, dilation[d] = there ? window.dilations[s] : 1, begin[d] = there ? window.begin[s] : 0;
    extent[d] = (out[d] - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1;
  }
}

bool Geometry::padded() const {
  for (size_t d = 0; d < kDims; ++d)
    if (begin[d] != 0 || extent[d] > in[d]) return true;
  return false;
}

bool Geometry::is_matrix() const {
  for (size_t d = 0; d < kDims; ++d)
    if (kernel[d] != 1 || stride[d] != 1) return false;
  return !padded();
}

Image::Image(const Geometry& g, const Tensor& x, int32_t zero, bool flips, size_t slack, StepContext& context) : data_(x.bytes()) {
  const Padding padding{g, g.channels * static_cast<int64_t>(element_size(x.dtype())), zero, flips};
  if (!padding.flip && !g.padded() && slack == 0) return;
  const auto* from = reinterpret_cast<const uint8_t*>(x.bytes());
  const int64_t bytes = g.batch * g.extent_pixels() * padding.pixel;
  made_ = context.pool.take(static_cast<size_t>(bytes) + slack);
  auto* to = reinterpret_cast<uint8_t*>(made_->mutable_data());
  data_ = made_->data();
  std::memset(to + bytes, 0, slack);
  if (g.padded())
    in_parts(context.threads, g.batch * g.extent[0] * g.extent[1], 2 * bytes, [&](int64_t first, int64_t last) {
      for (int64_t y = first; y < last; ++y) padding.row(y, from, to);
    });
  else
    in_parts(context.threads, bytes, 2 * bytes,
             [&](int64_t first, int64_t last) { copy_codes(from + first, to + first, static_cast<size_t>(last - first), padding.flip); });
}

std::vector<std::ptrdiff_t> window_offsets(const Geometry& g, bool joined) {
  const int64_t* image = g.padded() ? g.extent : g.in;
  std::vector<std::ptrdiff_t> offsets;
  offsets.reserve(static_cast<size_t>(g.out_pixels() * g.kernel[0] * g.kernel[1] * (joined ? 1 : g.kernel[2])));
  for (int64_t kz = 0; kz < g.kernel[0]; ++kz)
    for (int64_t ky = 0; ky < g.kernel[1]; ++ky)
      for (int64_t kx = 0; kx < (joined ? 1 : g.kernel[2]); ++kx)
        for (int64_t z = 0; z < g.out[0]; ++z)
          for (int64_t y = 0; y < g.out[1]; ++y)
            for (int64_t x = 0; x < g.out[2]; ++x) {
              const int64_t row = (z * g.stride[0] + kz * g.dilation[0]) * image[1] + y * g.stride[1] + ky * g.dilation[1];
              offsets.push_back((row * image[2] + x * g.stride[2] + kx * g.dilation[2]) * g.channels);
            }
  return offsets;
}

}  // namespace qtool::lowerings
