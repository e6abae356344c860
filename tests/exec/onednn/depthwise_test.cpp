#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstring>

#include "exec/plan.h"
#include "kernels/registry.h"
#include "tests/exec/engine_check.h"
#include "tests/exec/qdq_graph.h"

namespace qtool::testing {
namespace {

/// Conv of `channels` 3x3 windows of one channel each, and `activation` between two Q behind where it is not empty.
Model depthwise_model(int64_t channels, const std::string& activation) {
  QdqGraph g;
  Value& x = g.q(g.input("x", {2, channels, 37, 41}), {0.0078f, 117});
  Value& w = g.weight({channels, 1, 3, 3}, 0, 0.01f);
  Value* y = &g.q(g.op("Conv", {&x, &w, &g.bias(channels, 0.0078f, w)}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"group", channels}}),
                  {0.06f, 131});
  if (!activation.empty()) y = &g.q(g.op(activation, {y}), {0.03f, 17});
  return g.finish(*y);
}

std::string expected_kernel(const std::string& suffix) { return std::string(kernels::best<kernels::Depthwise>().name) + suffix; }

TEST_CASE("onednn: depthwise convolutions run on our kernel, a table behind them in it") {
  if (kernels::best<kernels::Depthwise>().isa == kernels::Isa::scalar) SKIP("no fast variant for this processor");
  const std::string activation = GENERATE("", "HardSwish");
  const Model model = depthwise_model(24, activation);
  const ClusterCheck check = check_of(check_engine("onednn", model, random_inputs(model)), "Conv");
  CHECK(check.kernel == expected_kernel(activation.empty() ? "" : "+table"));
  CHECK(agrees(check));
}

TEST_CASE("onednn: a depthwise convolution is the same on any number of threads") {
  const Model model = depthwise_model(40, "HardSwish");
  const std::vector<Tensor> inputs = random_inputs(model);
  std::vector<Tensor> results;
  for (const int threads : {1, 2, 3}) {
    Diagnostics diagnostics;
    Plan plan(model, {.engine = "onednn", .threads = threads}, diagnostics);
    results.push_back(Runner(plan).run(inputs)[0]);
  }
  for (const Tensor& result : results) CHECK(std::memcmp(result.bytes(), results[0].bytes(), results[0].byte_size()) == 0);
}

}  // namespace
}  // namespace qtool::testing
