// Windows bitmaps: uncompressed, 1, 4 or 8 bits with a palette, 16 (5-5-5 or by masks), 24 or 32 bits.
#include <array>
#include <bit>

#include "base/error.h"
#include "data/byte_source.h"
#include "data/image.h"

namespace qtool {
namespace {

constexpr uint32_t kUncompressed = 0, kMasks = 3;

struct Color {
  uint8_t r = 0, g = 0, b = 0;
};

struct Bitmap {
  uint32_t pixels_offset = 0, header_bytes = 0, compression = kUncompressed;
  int64_t width = 0, height = 0;  ///< height negative: top row first
  int bits = 0;
  uint32_t colors = 0;
  std::array<uint32_t, 3> masks{0x7c00, 0x3e0, 0x1f};
  std::vector<Color> palette;
};

void read_sizes(LittleEndian& in, Bitmap& bitmap) {
  in.skip(10);
  bitmap.pixels_offset = in.u32();
  bitmap.header_bytes = in.u32();
  if (bitmap.header_bytes == 12) {
    bitmap.width = in.u16();
    bitmap.height = in.u16();
  } else if (bitmap.header_bytes >= 40 && bitmap.header_bytes <= 124) {
    bitmap.width = in.i32();
    bitmap.height = in.i32();
  } else {
    throw invalid_file("BMP with a header of " + std::to_string(bitmap.header_bytes) + " bytes");
  }
  in.skip(2);
  bitmap.bits = in.u16();
}

void read_masks(LittleEndian& in, Bitmap& bitmap, size_t& used) {
  if (bitmap.bits == 32) bitmap.masks = {0xff0000, 0xff00, 0xff};
  if (bitmap.compression != kMasks) return;
  for (uint32_t& mask : bitmap.masks) mask = in.u32();
  used += 12;
}

Bitmap read_header(LittleEndian& in) {
  Bitmap bitmap;
  read_sizes(in, bitmap);
  size_t used = bitmap.header_bytes == 12 ? 12 : 16;
  if (bitmap.header_bytes >= 40) {
    bitmap.compression = in.u32();
    in.skip(12);
    bitmap.colors = in.u32();
    in.skip(4);
    used = 40;
    read_masks(in, bitmap, used);
  }
  if (bitmap.header_bytes > used) in.skip(bitmap.header_bytes - used);
  const bool known = bitmap.compression == kUncompressed || (bitmap.compression == kMasks && bitmap.bits >= 16);
  if (!known) throw invalid_file("compressed BMP (type " + std::to_string(bitmap.compression) + "), expected an uncompressed one");
  return bitmap;
}

void read_palette(LittleEndian& in, Bitmap& bitmap) {
  const uint32_t full = uint32_t{1} << bitmap.bits;
  const uint32_t count = bitmap.colors == 0 ? full : std::min(bitmap.colors, full);
  bitmap.palette.resize(full);  // what the file leaves out is black
  for (uint32_t i = 0; i < count; ++i) {
    Color& color = bitmap.palette[i];
    color.b = in.u8();
    color.g = in.u8();
    color.r = in.u8();
    if (bitmap.header_bytes != 12) in.skip(1);
  }
}

/// The masked bits, widened to 8: v * 255 / highest, as Pillow does for 5 and 6 bits.
uint8_t masked(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const uint64_t highest = mask >> shift;
  return static_cast<uint8_t>(((pixel & mask) >> shift) * 255 / highest);
}

/// One row of the file to R, G, B.
class Row {
 public:
  explicit Row(const Bitmap& bitmap) : bitmap_(bitmap) {}

  void decode(std::string_view bytes, uint8_t* out) const {
    LittleEndian in(bytes);
    for (int64_t x = 0; x < bitmap_.width; ++x, out += 3) {
      const Color color = bitmap_.bits < 16 ? indexed(bytes, x) : direct(in);
      out[0] = color.r;
      out[1] = color.g;
      out[2] = color.b;
    }
  }

 private:
  Color indexed(std::string_view bytes, int64_t x) const {
    const auto at = static_cast<size_t>(x) * static_cast<size_t>(bitmap_.bits);
    const unsigned byte = static_cast<uint8_t>(bytes[at / 8]);
    return bitmap_.palette[byte >> (8 - static_cast<unsigned>(bitmap_.bits) - at % 8) & ((1u << bitmap_.bits) - 1)];
  }
  Color direct(LittleEndian& in) const {
    if (bitmap_.bits == 24) {
      const uint8_t b = in.u8(), g = in.u8(), r = in.u8();
      return {r, g, b};
    }
    const uint32_t pixel = bitmap_.bits == 16 ? in.u16() : in.u32();
    return {masked(pixel, bitmap_.masks[0]), masked(pixel, bitmap_.masks[1]), masked(pixel, bitmap_.masks[2])};
  }
  const Bitmap& bitmap_;
};

bool is_gray(const std::vector<Color>& palette) {
  for (const Color& color : palette)
    if (color.r != color.g || color.g != color.b) return false;
  return !palette.empty();
}

}  // namespace

Image decode_bmp(std::string_view bytes) {
  LittleEndian in(bytes);
  Bitmap bitmap = read_header(in);
  const int bits = bitmap.bits;
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
    throw invalid_file("BMP of " + std::to_string(bits) + " bits a pixel");
  if (bits < 16) read_palette(in, bitmap);
  const int64_t height = bitmap.height < 0 ? -bitmap.height : bitmap.height;
  const uint64_t stride = (static_cast<uint64_t>(std::max<int64_t>(bitmap.width, 0)) * static_cast<uint64_t>(bits) + 31) / 32 * 4;
  if (bitmap.pixels_offset > bytes.size() || stride * static_cast<uint64_t>(height) > bytes.size() - bitmap.pixels_offset)
    throw invalid_file("truncated BMP: " + std::to_string(bytes.size()) + " bytes, " + std::to_string(bitmap.width) + "x" +
                       std::to_string(height) + " pixels of " + std::to_string(bits) + " bits expected");
  Image image = make_image(bitmap.width, height, 3);
  const Row row(bitmap);
  for (int64_t y = 0; y < height; ++y) {
    const int64_t from = bitmap.height < 0 ? y : height - 1 - y;
    row.decode(bytes.substr(bitmap.pixels_offset + static_cast<uint64_t>(from) * stride, stride),
               image.pixels.data() + static_cast<size_t>(y) * image.row_bytes());
  }
  return is_gray(bitmap.palette) ? to_gray(std::move(image)) : image;
}

}  // namespace qtool
