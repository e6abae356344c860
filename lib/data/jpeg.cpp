// JPEG by libjpeg with its defaults (accurate integer DCT, smooth upsampling), which are Pillow's. libjpeg leaves a failure by
// longjmp here, so nothing with a destructor lives in a function that calls it.
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <csetjmp>

#include "base/error.h"
#include "data/image.h"

namespace qtool {
namespace {

constexpr uint64_t kMostPixelsPerByte = 4096;  // a block of 64 pixels takes a bit at least
constexpr int kMostScans = 100;                // a progressive file of a few bytes a scan would take hours otherwise

struct Session {
  jpeg_error_mgr errors{};  // first: libjpeg knows the session by its address
  jpeg_decompress_struct jpeg{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_failure;
  char message[JMSG_LENGTH_MAX] = "";
  ~Session() { jpeg_destroy_decompress(&jpeg); }
  [[noreturn]] void fail() const { throw invalid_file(std::string("damaged JPEG: ") + message); }
};

Session& session_of(j_common_ptr jpeg) { return *reinterpret_cast<Session*>(jpeg->err); }

[[noreturn]] void on_error(j_common_ptr jpeg) {
  Session& session = session_of(jpeg);
  jpeg->err->format_message(jpeg, session.message);
  std::longjmp(session.on_failure, 1);
}

/// libjpeg only warns where it has to invent pixels; for us that is damage. Harmless warnings pass.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_NOT_SEQUENTIAL:
      on_error(jpeg);
    default:
      return;
  }
}

void on_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > kMostScans) ERREXIT(jpeg, JERR_BAD_PROGRESSION);
}

void start(Session& session) {
  session.jpeg.err = jpeg_std_error(&session.errors);
  session.errors.error_exit = on_error;
  session.errors.emit_message = on_message;
  session.progress.progress_monitor = on_progress;
}

bool read_header(Session& session, const unsigned char* bytes, size_t size) {
  if (setjmp(session.on_failure)) return false;
  jpeg_create_decompress(&session.jpeg);
  session.jpeg.progress = &session.progress;
  jpeg_mem_src(&session.jpeg, bytes, size);
  jpeg_read_header(&session.jpeg, TRUE);
  const J_COLOR_SPACE space = session.jpeg.jpeg_color_space;
  const bool four = space == JCS_CMYK || space == JCS_YCCK;
  session.jpeg.out_color_space = four ? JCS_CMYK : space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_calc_output_dimensions(&session.jpeg);
  return true;
}

bool read_pixels(Session& session, unsigned char* pixels, size_t row_bytes) {
  if (setjmp(session.on_failure)) return false;
  jpeg_start_decompress(&session.jpeg);
  while (session.jpeg.output_scanline < session.jpeg.output_height) {
    JSAMPROW row = pixels + session.jpeg.output_scanline * row_bytes;
    jpeg_read_scanlines(&session.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&session.jpeg);
  return true;
}

/// a * b / 255, rounded as Pillow's MULDIV255.
int multiply_255(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// Adobe stores the complement of the inks: C, M, Y, K here are 255 - ink.
Image from_inverted_cmyk(const Image& inks) {
  Image rgb = make_image(inks.width, inks.height, 3);
  const uint8_t* in = inks.pixels.data();
  for (size_t i = 0; i < rgb.pixels.size(); i += 3, in += 4)
    for (size_t c = 0; c < 3; ++c) rgb.pixels[i + c] = static_cast<uint8_t>(std::clamp(in[3] - multiply_255(255 - in[c], in[3]), 0, 255));
  return rgb;
}

}  // namespace

Image decode_jpeg(std::string_view bytes) {
  Session session;
  start(session);
  if (!read_header(session, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) session.fail();
  const uint64_t pixels = uint64_t{session.jpeg.output_width} * session.jpeg.output_height;
  if (pixels > bytes.size() * kMostPixelsPerByte)
    throw invalid_file("JPEG of " + std::to_string(bytes.size()) + " bytes claims " + std::to_string(pixels) + " pixels");
  Image image = make_image(session.jpeg.output_width, session.jpeg.output_height, session.jpeg.output_components);
  if (!read_pixels(session, image.pixels.data(), image.row_bytes())) session.fail();
  return image.channels == 4 ? from_inverted_cmyk(image) : image;
}

}  // namespace qtool
