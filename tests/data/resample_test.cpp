#include "data/resample.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <cstdio>

#include "data/npz.h"
#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;

namespace {

const std::string kFolder = kGoldens + "resize/";

std::vector<std::string> case_names() { return NpzReader(open_file(kFolder + "expected.npz")).names(); }

struct Case {
  Interpolation interpolation;
  int height = 0, width = 0;
  bool gray = false;
};

/// bilinear_10x14_RGB
Case parse(const std::string& name) {
  char filter[16] = "", mode[8] = "";
  Case wanted{};
  REQUIRE(std::sscanf(name.c_str(), "%15[a-z]_%dx%d_%7s", filter, &wanted.height, &wanted.width, mode) == 4);
  const std::string word = filter;
  wanted.interpolation = word == "bilinear" ? Interpolation::bilinear : word == "bicubic" ? Interpolation::bicubic : Interpolation::area;
  wanted.gray = std::string(mode) == "L";
  return wanted;
}

}  // namespace

TEST_CASE("resize: equals Pillow's bit for bit") {
  const std::string name = GENERATE(from_range(case_names()));
  INFO(name);
  const Case wanted = parse(name);
  const Image source = decode_image(bytes_of_file(kFolder + "source.png"));
  const Image out = resize(wanted.gray ? to_gray(source) : source, wanted.width, wanted.height, wanted.interpolation);
  const Tensor expected = NpzReader(open_file(kFolder + "expected.npz")).load(name);
  CHECK(Tensor::of<uint8_t>(expected.shape(), out.pixels) == expected);
}

TEST_CASE("resize: absurd sizes are refused") {
  const Image source = make_image(10, 10, 1);
  CHECK(error_of([&] { resize(source, 65536, 65536, Interpolation::area); }).starts_with("3: "));
  CHECK(error_of([&] { resize(source, 0, 5, Interpolation::area); }).starts_with("3: "));
}
