#pragma once
// Pictures as 8-bit pixels: PNG (libpng), JPEG (libjpeg) and BMP (own reader).

#include <cstdint>
#include <string_view>
#include <vector>

namespace qtool {

/// Most pixels a picture may have, decoded or resized (400 MB as RGB), and most along one side.
inline constexpr int64_t kMostPixels = int64_t{1} << 27;
inline constexpr int kLongestSide = 1 << 16;

/// Rows top to bottom, pixels left to right, channels interleaved; channels 1 (grey) or 3 (R, G, B).
struct Image {
  int width = 0, height = 0, channels = 0;
  std::vector<uint8_t> pixels;
  size_t row_bytes() const { return static_cast<size_t>(width) * static_cast<size_t>(channels); }
};

/// Zeroed; throws Error(invalid_file) for sides below 1 or above the limits.
Image make_image(int64_t width, int64_t height, int channels);

/// Decodes by the first bytes, not by the name. As Pillow's convert("L") / convert("RGB"): alpha is dropped, palettes are looked up,
/// gamma and orientation tags ignored, CMYK JPEG taken as Adobe's inverted one; 16-bit samples keep their high byte.
/// Damaged and truncated pictures are Error(invalid_file).
Image decode_image(std::string_view bytes);
Image decode_png(std::string_view bytes);
Image decode_jpeg(std::string_view bytes);
Image decode_bmp(std::string_view bytes);

/// Pillow's L = (R * 19595 + G * 38470 + B * 7471 + 0x8000) >> 16; grey images are returned as they are.
Image to_gray(Image image);
/// Grey repeated three times; RGB images are returned as they are.
Image to_rgb(Image image);

}  // namespace qtool
