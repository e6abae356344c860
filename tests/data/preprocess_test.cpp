#include "data/preprocess.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "data/npz.h"
#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;
using Catch::Matchers::ContainsSubstring;

namespace {

Image source() { return decode_image(bytes_of_file(kGoldens + "resize/source.png")); }

std::string mistakes(const std::string& json) {
  return error_of([&] { parse_preprocess(json, "p.json"); });
}

Image gray_ramp(int height, int width) {
  Image image = make_image(height, width, 1);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i);
  return image;
}

}  // namespace

TEST_CASE("preprocess: tensors equal numpy's to the bit") {
  const auto name = GENERATE("plain", "imagenet", "bgr", "gray", "pad", "crop_then_pad");
  INFO(name);
  const Preprocess steps = load_preprocess(kGoldens + "preprocess/" + name + ".json");
  const Tensor expected = NpzReader(open_file(kGoldens + "preprocess/expected.npz")).load(name);
  CHECK(preprocess(steps, source(), DType::float32) == expected);
}

TEST_CASE("preprocess: an empty object is RGB, NCHW, pixels as they are") {
  const Tensor tensor = preprocess(parse_preprocess("{}", "p"), source(), DType::uint8);
  CHECK(tensor.shape() == Shape{3, 37, 53});
  CHECK(tensor.data<uint8_t>()[1] == source().pixels[3]);
}

TEST_CASE("preprocess: integer inputs take whole values only") {
  const Image image = gray_ramp(16, 16);
  const auto steps = [](const std::string& more) { return parse_preprocess(R"({"color": "gray")" + more + "}", "p"); };
  const Tensor shifted = preprocess(steps(R"(, "mean": 128)"), image, DType::int8);
  CHECK(shifted.number_at(0) == -128);
  CHECK(shifted.number_at(255) == 127);
  CHECK_THAT(error_of([&] { preprocess(steps(R"(, "scale": 0.5)"), image, DType::uint8); }), ContainsSubstring("the input holds integers"));
  CHECK_THAT(error_of([&] { preprocess(steps(""), image, DType::int8); }), ContainsSubstring("make 128"));
  CHECK_THAT(error_of([&] { preprocess(steps(""), image, DType::boolean); }), ContainsSubstring("type bool"));
}

TEST_CASE("preprocess: float16 inputs are rounded from float32") {
  const Tensor tensor = preprocess(parse_preprocess(R"({"color": "gray", "scale": 0.1})", "p"), gray_ramp(1, 4), DType::float16);
  CHECK(tensor.data<Float16>()[3] == to_float16(3 * 0.1f));
}

TEST_CASE("preprocess: crop and pad name what they need") {
  CHECK_THAT(error_of([] { preprocess(parse_preprocess(R"({"crop": [38, 10]})", "p"), source(), DType::float32); }),
             ContainsSubstring("crop: expected a picture of at least 38x10, found 37x53"));
  CHECK_THAT(error_of([] { preprocess(parse_preprocess(R"({"pad": [40, 52, 0]})", "p"), source(), DType::float32); }),
             ContainsSubstring("pad: expected a picture of at most 40x52, found 37x53"));
}

TEST_CASE("preprocess: all mistakes of a file are told at once, with their place") {
  const std::string told =
      mistakes(R"({"colour": "rgb", "color": "grey", "resize": [0, 5], "short_side": 1.5, "std": [1, 0, 1], "mean": [1, 2],
                                        "pad": [5, 5], "scale": "x", "layout": "CHW"})");
  CHECK(told ==
        "3: p.json: /: unknown key \"colour\", nearest: \"color\"\n"
        "p.json: /color: \"grey\" is not one of gray, rgb, bgr\n"
        "p.json: /resize: expected [height, width] with sides of 1 to 65536, found [0,5]\n"
        "p.json: /short_side: expected a whole number of 1 to 65536, found 1.5\n"
        "p.json: /pad: expected [height, width, value] with sides of 1 to 65536, found [5,5]\n"
        "p.json: /scale: expected a finite number, found \"x\"\n"
        "p.json: /mean: expected 1 or 3 numbers, found 2\n"
        "p.json: /std: expected finite numbers other than 0, found [1,0,1]\n"
        "p.json: /layout: \"CHW\" is not one of NCHW, NHWC\n"
        "p.json: /short_side: stands beside resize; only one can be");
}

TEST_CASE("preprocess: the nearest key is named") {
  const auto [key, nearest] = GENERATE(table<std::string, std::string>(
      {{"means", "mean"}, {"size", "resize"}, {"interpolate", "interpolation"}, {"shortside", "short_side"}, {"Layout", "layout"}}));
  CHECK(mistakes("{\"" + key + "\": 1}") == "3: p.json: /: unknown key \"" + key + "\", nearest: \"" + nearest + "\"");
}

TEST_CASE("preprocess: a million brackets are an error, not a full stack") {
  const std::string open(500000, '['), close(500000, ']');
  CHECK_THAT(mistakes("{\"mean\": " + open + close + "}"), ContainsSubstring("lists within lists"));
}

TEST_CASE("preprocess: what is no JSON object is an error of one line") {
  const auto text = GENERATE("", "[]", "{", "{\"a\": \"\xff\"}", "nul", "\x01\n\x02", "1e999");
  const std::string told = mistakes(text);
  CHECK(told.starts_with("3: p.json: "));
  CHECK(told.find('\n') == told.npos);
}
