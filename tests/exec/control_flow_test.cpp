// If, Loop and Scan in both engines: the reference and the plan.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "exec/plan.h"
#include "support/models.h"

using namespace qtool;
using testing::model_of;

namespace {

std::vector<std::string> engines() {
  std::vector<std::string> names;
  for (const Backend* backend : all_backends()) names.emplace_back(backend->name);
  return names;
}

std::vector<Tensor> run(const Model& model, const std::vector<Tensor>& inputs, const std::string& engine) {
  Diagnostics diagnostics;
  Plan plan(model, {.engine = engine, .threads = 1}, diagnostics);
  return Runner(plan).run(inputs);
}

Tensor floats(const Shape& shape, const std::vector<float>& values) { return Tensor::of<float>(shape, values); }

}  // namespace

TEST_CASE("If runs the branch its condition names, with captured values") {
  const std::string engine = GENERATE(Catch::Generators::from_range(engines()));
  const Model model = model_of(R"(
    g (float[2] x, bool c) => (float[2] y) {
      h = Neg(x)
      y = If (c) <then_branch = t () => (float[2] a) { a = Abs(h) }, else_branch = e () => (float[2] b) { b = Add(h, x) }>
    })");
  const Tensor x = floats({2}, {1, -2});
  CHECK(run(model, {x, Tensor::scalar(true)}, engine)[0].to_floats() == std::vector<float>{1, 2});
  CHECK(run(model, {x, Tensor::scalar(false)}, engine)[0].to_floats() == std::vector<float>{0, 0});
}

TEST_CASE("Bodies in bodies see the values of every enclosing graph") {
  const std::string engine = GENERATE(Catch::Generators::from_range(engines()));
  const Model model = model_of(R"(
    g (float[2] x, bool c, bool d) => (float[2] y) {
      h = Neg(x)
      y = If (c) <
        then_branch = t () => (float[2] a) {
          k = Abs(x)
          a = If (d) <then_branch = tt () => (float[2] p) { p = Mul(h, k) }, else_branch = te () => (float[2] q) { q = Add(h, k) }>
        },
        else_branch = e () => (float[2] b) { b = Identity(x) }>
    })");
  const Tensor x = floats({2}, {1, -2}), yes = Tensor::scalar(true), no = Tensor::scalar(false);
  CHECK(run(model, {x, yes, yes}, engine)[0].to_floats() == std::vector<float>{-1, 4});
  CHECK(run(model, {x, yes, no}, engine)[0].to_floats() == std::vector<float>{0, 4});
  CHECK(run(model, {x, no, no}, engine)[0].to_floats() == std::vector<float>{1, -2});
}

TEST_CASE("Loop carries values, counts, stops at its condition and stacks what it scans") {
  const std::string engine = GENERATE(Catch::Generators::from_range(engines()));
  const Model model = model_of(R"(
    g (int64 trips, float[1] x) => (float[1] last, float[n, 1] all) <float[1] limit = {20}> {
      last, all = Loop (trips, , x) <body = b (int64 i, bool on, float[1] a) => (bool go, float[1] next, float[1] seen) {
        next = Add(a, a)
        seen = Identity(a)
        less = Less(next, limit)
        go = Squeeze(less)
      }>
    })");
  const auto two = run(model, {Tensor::scalar<int64_t>(2), floats({1}, {3})}, engine);
  CHECK(two[0].to_floats() == std::vector<float>{12});
  CHECK(two[1].to_floats() == std::vector<float>{3, 6});
  CHECK(two[1].shape() == Shape{2, 1});
  const auto stopped = run(model, {Tensor::scalar<int64_t>(10), floats({1}, {3})}, engine);
  CHECK(stopped[1].to_floats() == std::vector<float>{3, 6, 12});
  const auto none = run(model, {Tensor::scalar<int64_t>(0), floats({1}, {3})}, engine);
  CHECK(none[0].to_floats() == std::vector<float>{3});
  CHECK(none[1].shape() == Shape{0, 1});
}

TEST_CASE("Scan reads along an axis, forwards and backwards, and joins along another") {
  const std::string engine = GENERATE(Catch::Generators::from_range(engines()));
  const Model model = model_of(R"(
    g (float[2] start, float[2, 3] x) => (float[2] sum, float[2, 3] sums) {
      sum, sums = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_input_directions = [1],
                        scan_output_axes = [1], scan_output_directions = [1],
                        body = b (float[2] s, float[2] e) => (float[2] next, float[2] seen) {
                          next = Add(s, e)
                          seen = Identity(next)
                        }> (start, x)
    })");
  const auto out = run(model, {floats({2}, {0, 100}), floats({2, 3}, {1, 2, 3, 4, 5, 6})}, engine);
  CHECK(out[0].to_floats() == std::vector<float>{6, 115});
  CHECK(out[1].to_floats() == std::vector<float>{6, 5, 3, 115, 111, 106});
}

TEST_CASE("Scan of opset 8 has a batch axis and sequence lengths") {
  const std::string engine = GENERATE(Catch::Generators::from_range(engines()));
  const Model model = model_of(R"(
    <ir_version: 4, opset_import: ["" : 8]>
    g (int64[2] lengths, float[2, 1] start, float[2, 3, 1] x) => (float[2, 1] sum, float[2, n, 1] sums) {
      sum, sums = Scan <num_scan_inputs = 1, body = b (float[1] s, float[1] e) => (float[1] next, float[1] seen) {
        next = Add(s, e)
        seen = Identity(next)
      }> (lengths, start, x)
    })");
  const auto out = run(model, {Tensor::of<int64_t>({2}, {3, 3}), floats({2, 1}, {0, 10}), floats({2, 3, 1}, {1, 2, 3, 4, 5, 6})}, engine);
  CHECK(out[0].to_floats() == std::vector<float>{6, 25});
  CHECK(out[1].to_floats() == std::vector<float>{1, 3, 6, 14, 19, 25});
}
