// PNG by libpng. libpng leaves a failure by longjmp, so nothing with a destructor lives in a function that calls it.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "data/image.h"

namespace qtool {
namespace {

/// Deflate gives at most 1032 bytes for one; the rest covers row filters and rounding of packed rows.
constexpr uint64_t kDeflateRatio = 1032;

struct Reader {
  std::string_view left;
  char message[128] = "";
};

void read_bytes(png_structp png, png_bytep to, size_t bytes) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (bytes > reader->left.size()) png_error(png, "truncated");
  std::memcpy(to, reader->left.data(), bytes);
  reader->left.remove_prefix(bytes);
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, message, sizeof(reader->message) - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

/// 1, 2 and 4 bits to 8, palette to RGB, 16 bits to their high byte, no alpha.
void ask_for_8_bits(png_structp png, png_infop info) {
  const int color = png_get_color_type(png, info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

bool read_header(png_structp png, png_infop info) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_user_limits(png, kLongestSide, kLongestSide);
  png_set_chunk_malloc_max(png, size_t{1} << 24);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_read_info(png, info);
  return true;
}

/// Sets `channels`: 1 or 3.
bool start_rows(png_structp png, png_infop info, int& channels) {
  if (setjmp(png_jmpbuf(png))) return false;
  ask_for_8_bits(png, info);
  channels = png_get_channels(png, info);
  return true;
}

bool read_rows(png_structp png, png_infop info, uint8_t* pixels, size_t row_bytes, int height) {
  if (setjmp(png_jmpbuf(png))) return false;
  const int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_NONE ? 1 : 7;
  for (int pass = 0; pass < passes; ++pass)
    for (int y = 0; y < height; ++y) png_read_row(png, pixels + static_cast<size_t>(y) * row_bytes, nullptr);
  png_read_end(png, nullptr);
  return true;
}

struct Session {
  Reader reader;
  png_structp png = nullptr;
  png_infop info = nullptr;
  explicit Session(std::string_view bytes) {
    reader.left = bytes;
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    info = png ? png_create_info_struct(png) : nullptr;
    if (info) png_set_read_fn(png, &reader, read_bytes);
  }
  ~Session() { png_destroy_read_struct(&png, &info, nullptr); }
  [[noreturn]] void fail() const { throw invalid_file(std::string("damaged PNG: ") + reader.message); }
};

}  // namespace

Image decode_png(std::string_view bytes) {
  Session session(bytes);
  if (!session.info) throw bug("libpng: cannot start");
  if (!read_header(session.png, session.info)) session.fail();
  const int64_t width = png_get_image_width(session.png, session.info), height = png_get_image_height(session.png, session.info);
  const uint64_t bits = png_get_bit_depth(session.png, session.info);
  if (static_cast<uint64_t>(width) * static_cast<uint64_t>(height) * bits / 8 > bytes.size() * kDeflateRatio)
    throw invalid_file("PNG of " + std::to_string(bytes.size()) + " bytes claims " + std::to_string(width) + "x" + std::to_string(height) +
                       " pixels");
  int channels = 0;
  if (!start_rows(session.png, session.info, channels)) session.fail();
  Image image = make_image(width, height, channels);
  if (!read_rows(session.png, session.info, image.pixels.data(), image.row_bytes(), image.height)) session.fail();
  return image;
}

}  // namespace qtool
