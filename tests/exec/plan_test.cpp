#include "exec/plan.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "base/parallel.h"
#include "exec/plan/reorder.h"
#include "support/models.h"

using namespace qtool;
using Catch::Matchers::ContainsSubstring;
using testing::add_weights;
using testing::model_of;
using testing::random_tensor;

namespace {

std::string error_of(const std::function<void()>& body, ExitCode code) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "no error";
}

Model small_net() {
  Model model = model_of(R"(
    g (float[N, 4, 8, 8] x, float[6, 4, 3, 3] w, float[6] b, float[6, 1, 1, 1] v) => (float[N, 6, 6, 6] y, float[N, 6] p) {
      c = Conv(x, w, b)
      r = Relu(c)
      d = Conv <group = 6> (r, v)
      y = Add(d, r)
      m = GlobalAveragePool(y)
      p = Flatten(m)
    })");
  add_weights(model, {"w", "b", "v"});
  return model;
}

void check_close(const Tensor& found, const Tensor& expected, float tolerance) {
  REQUIRE(found.shape() == expected.shape());
  REQUIRE(found.dtype() == expected.dtype());
  for (int64_t i = 0; i < found.size(); ++i) CHECK(std::abs(found.number_at(i) - expected.number_at(i)) <= tolerance);
}

}  // namespace

TEST_CASE("plan: every engine computes what the reference computes, for changing shapes") {
  Diagnostics diagnostics;
  const Model model = small_net();
  Plan plan(model, {}, diagnostics), reference(model, {.engine = "reference"}, diagnostics);
  Runner runner(plan), judge(reference);
  for (const int64_t batch : {1, 3, 1, 2}) {
    const std::vector<Tensor> in{random_tensor(DType::float32, {batch, 4, 8, 8}, "x", static_cast<unsigned>(batch))};
    const auto found = runner.run(in), expected = judge.run(in);
    REQUIRE(found.size() == 2);
    for (size_t i = 0; i < 2; ++i) check_close(found[i], expected[i], 1e-5f);
  }
}

TEST_CASE("plan: runners of several threads share it") {
  Diagnostics diagnostics;
  Plan plan(small_net(), {}, diagnostics);
  const std::vector<Tensor> in{random_tensor(DType::float32, {1, 4, 8, 8}, "x")};
  const auto expected = Runner(plan).run(in);
  std::vector<std::vector<Tensor>> found(16);
  parallel_for(16, 4, [&](size_t i, int) { found[i] = Runner(plan).run(in); });
  for (const auto& each : found) CHECK(each == expected);
}

TEST_CASE("plan: names and results come in the order of the model; a default stands in") {
  Diagnostics diagnostics;
  Plan plan(model_of("g (float[2] x, float[2] d, float[2] z) => (float[2] b, float[2] a) <float[2] d = {5, 7}> {\n"
                     "a = Add(x, d)\n b = Neg(z)}"),
            {}, diagnostics);
  CHECK(plan.input_names() == std::vector<std::string>{"x", "z"});
  CHECK(plan.output_names() == std::vector<std::string>{"b", "a"});
  const auto out = Runner(plan).run(std::vector<Tensor>{Tensor::of<float>({2}, {1, 2}), Tensor::of<float>({2}, {3, 4})});
  CHECK(out[0].to_floats() == std::vector<float>{-3, -4});
  CHECK(out[1].to_floats() == std::vector<float>{6, 9});
}

TEST_CASE("plan: an unknown engine, an input that does not fit, an operator nobody knows") {
  Diagnostics diagnostics;
  CHECK_THAT(error_of([&] { Plan(small_net(), {.engine = "gpu"}, diagnostics); }, ExitCode::usage),
             ContainsSubstring("unknown engine \"gpu\""));
  Plan plan(small_net(), {}, diagnostics);
  CHECK(error_of(
            [&] {
              Runner(plan).run(std::vector<Tensor>{Tensor::zeros(DType::float32, {1, 3, 8, 8})});
            },
            ExitCode::invalid_file) == "input \"x\": float32 Nx4x8x8 expected, float32 1x3x8x8 found");
  const Model foreign = model_of(R"(<ir_version: 8, opset_import: ["" : 17, "com.bar" : 3]>
    g (float[2] x) => (float[2] y) { [odd] y = com.bar.Foo(x) })");
  for (const char* engine : {"auto", "reference"}) {
    const auto run = [&] {
      Plan made(foreign, {.engine = engine}, diagnostics);
      Runner(made).run(std::vector<Tensor>{Tensor::zeros(DType::float32, {2})});
    };
    CHECK(error_of(run, ExitCode::unsupported) == "node \"odd\": operator Foo of domain com.bar (opset 3) cannot be executed");
  }
}

TEST_CASE("plan: observers see their value in every engine, and pass it on") {
  const Model model = model_of(R"(<ir_version: 8, opset_import: ["" : 17, "qtool.observer" : 1]>
    g (float[1, 2, 3, 3] x) => (float[1, 2, 3, 3] y) { a = Relu(x)
      [watch] b = qtool.observer.minmax_0(a)
      y = Neg(b) }
    <domain: "qtool.observer", opset_import: ["" : 17]> minmax_0 (i) => (o) { o = Identity(i) })");
  const Tensor x = random_tensor(DType::float32, {1, 2, 3, 3}, "x");
  Diagnostics diagnostics;
  for (const char* engine : {"auto", "reference"}) {
    Plan plan(model, {.engine = engine}, diagnostics);
    Runner runner(plan);
    Tensor seen;
    runner.set_observer([&](const Node& node, const Array& array) {
      CHECK(node.name == "watch");
      seen = plain_tensor(array);
    });
    const auto out = runner.run(std::vector<Tensor>{x});
    REQUIRE(seen.defined());
    for (int64_t i = 0; i < x.size(); ++i) {
      CHECK(seen.number_at(i) == std::max(0.0, x.number_at(i)));
      CHECK(out[0].number_at(i) == -seen.number_at(i));
    }
  }
}

TEST_CASE("plan: the profile names every step that ran, with its work") {
  Diagnostics diagnostics;
  Plan plan(small_net(), {}, diagnostics);
  Runner runner(plan);
  runner.enable_profile();
  runner.run(std::vector<Tensor>{random_tensor(DType::float32, {2, 4, 8, 8}, "x")});
  int64_t macs = 0;
  for (const StepProfile& step : runner.profile()) {
    macs += step.macs;
    CHECK(!step.kernel.empty());
  }
  CHECK(macs == 2 * 6 * 36 * (4 * 9) + 2 * 6 * 36);
  CHECK(int8_mac_share(runner.profile()) == 0);
}

TEST_CASE("reorder: there and back is the identity, for every element size") {
  BufferPool pool;
  for (const DType dtype : {DType::uint8, DType::int16, DType::float32, DType::int64}) {
    const Tensor plain = random_tensor(dtype, {2, 5, 3, 7}, "x");
    const Array last = reordered({plain, Layout::plain}, Layout::channels_last, pool);
    REQUIRE(last.layout == Layout::channels_last);
    CHECK(last.tensor.shape() == plain.shape());
    const size_t width = element_size(dtype);
    const auto element = [&](const Tensor& tensor, size_t i) {
      return std::string(reinterpret_cast<const char*>(tensor.bytes()) + i * width, width);
    };
    CHECK(element(last.tensor, 1) == element(plain, 21));  // image 0, place 0, channel 1
    CHECK(element(last.tensor, 105 + 5 * 20 + 4) == element(plain, 105 + 4 * 21 + 20));
    CHECK(reordered(last, Layout::plain, pool).tensor == plain);
  }
}

TEST_CASE("pool: a buffer comes back when its last holder lets go") {
  BufferPool pool;
  Tensor first = pool.tensor(DType::float32, {100});
  const std::byte* address = first.bytes();
  CHECK(first.mutable_bytes() == address);  // not shared: no copy
  Tensor second = pool.tensor(DType::float32, {50});
  CHECK(second.bytes() != address);
  const size_t held = pool.bytes_held();
  first = Tensor();
  const Tensor third = pool.tensor(DType::float32, {90});
  CHECK(third.bytes() == address);
  CHECK(pool.bytes_held() == held);
}
