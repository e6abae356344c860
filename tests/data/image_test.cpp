#include "data/image.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <set>

#include "data/npz.h"
#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string kImages = kGoldens + "images/";

std::vector<std::string> picture_names() {
  const NpzReader expected(open_file(kImages + "expected.npz"));
  std::set<std::string> names;
  for (const std::string& name : expected.names()) names.insert(name.substr(0, name.find('/')));
  return {names.begin(), names.end()};
}

Tensor as_tensor(const Image& image) {
  Shape shape{image.height, image.width};
  if (image.channels == 3) shape.push_back(3);
  return Tensor::of<uint8_t>(shape, image.pixels);
}

}  // namespace

TEST_CASE("images: pixels equal Pillow's in grey and in colour") {
  const std::string name = GENERATE(from_range(picture_names()));
  INFO(name);
  const NpzReader expected(open_file(kImages + "expected.npz"));
  const Image image = decode_image(bytes_of_file(kImages + name));
  CHECK(as_tensor(to_gray(image)) == expected.load(name + "/L"));
  CHECK(as_tensor(to_rgb(image)) == expected.load(name + "/RGB"));
}

TEST_CASE("images: 16-bit grey keeps the high byte") {
  CHECK(decode_image(bytes_of_file(kImages + "gray16.png")).pixels == decode_image(bytes_of_file(kImages + "gray.png")).pixels);
}

TEST_CASE("images: truncated pictures are errors") {
  const auto name = GENERATE("rgb.png", "adam7.png", "444.jpg", "progressive.jpg", "rgb.bmp", "palette.bmp");
  const std::string whole = bytes_of_file(kImages + name);
  for (size_t size = 0; size + 2 < whole.size(); size += 1 + size / 20) {
    INFO(name << " " << size << " of " << whole.size());
    CHECK(error_of([&] { decode_image(whole.substr(0, size)); }).starts_with("3: "));
  }
}

TEST_CASE("images: a file of another kind") {
  CHECK_THAT(error_of([] { decode_image("GIF89a"); }), ContainsSubstring("neither PNG nor JPEG nor BMP"));
}

TEST_CASE("images: absurd sizes are refused before memory is allocated") {
  std::string png = bytes_of_file(kImages + "rgb.png");
  png.replace(16, 8, std::string("\0\0\xff\xff\0\0\xff\xff", 8));  // the checksum is wrong too; either way: no picture
  CHECK(error_of([&] { decode_image(png); }).starts_with("3: "));
  std::string jpeg = bytes_of_file(kImages + "444.jpg");
  jpeg.replace(jpeg.find("\xff\xc0") + 5, 4, "\x20\x20\x20\x20");
  CHECK_THAT(error_of([&] { decode_image(jpeg); }), ContainsSubstring("claims 67634176 pixels"));
  std::string bmp = bytes_of_file(kImages + "rgb.bmp");
  bmp.replace(18, 8, std::string("\xff\xff\xff\x7f\xff\xff\xff\x7f", 8));
  CHECK_THAT(error_of([&] { decode_image(bmp); }), ContainsSubstring("truncated BMP"));
  CHECK_THAT(error_of([] { make_image(60000, 60000, 3); }), ContainsSubstring("picture of 60000x60000 pixels"));
}

TEST_CASE("images: BMP rows with the lowest height there is") {
  std::string bmp = bytes_of_file(kImages + "rgb.bmp");
  bmp.replace(22, 4, std::string("\0\0\0\x80", 4));
  CHECK(error_of([&] { decode_image(bmp); }).starts_with("3: "));
}
