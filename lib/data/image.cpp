#include "data/image.h"

#include "base/error.h"

namespace qtool {

Image make_image(int64_t width, int64_t height, int channels) {
  if (width < 1 || height < 1 || width > kLongestSide || height > kLongestSide || width * height > kMostPixels)
    throw invalid_file("picture of " + std::to_string(width) + "x" + std::to_string(height) + " pixels, expected sides of 1 to " +
                       std::to_string(kLongestSide) + " and at most " + std::to_string(kMostPixels) + " pixels");
  Image image{static_cast<int>(width), static_cast<int>(height), channels, {}};
  image.pixels.resize(image.row_bytes() * static_cast<size_t>(height));
  return image;
}

Image decode_image(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes);
  if (bytes.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes);
  if (bytes.starts_with("BM")) return decode_bmp(bytes);
  throw invalid_file("no picture: it begins like neither PNG nor JPEG nor BMP");
}

Image to_gray(Image image) {
  if (image.channels == 1) return image;
  Image gray = make_image(image.width, image.height, 1);
  const uint8_t* in = image.pixels.data();
  for (uint8_t& out : gray.pixels) {
    out = static_cast<uint8_t>((in[0] * 19595u + in[1] * 38470u + in[2] * 7471u + 0x8000u) >> 16);
    in += 3;
  }
  return gray;
}

Image to_rgb(Image image) {
  if (image.channels == 3) return image;
  Image rgb = make_image(image.width, image.height, 3);
  uint8_t* out = rgb.pixels.data();
  for (const uint8_t value : image.pixels) {
    out[0] = out[1] = out[2] = value;
    out += 3;
  }
  return rgb;
}

}  // namespace qtool
