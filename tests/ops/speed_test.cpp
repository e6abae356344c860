#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdlib>

#include "onnxio/onnxio.h"
#include "ops/interpret.h"
#include "support/models.h"

using namespace qtool;

// ops_tests "[.speed]" with QTOOL_SPEED_MODEL: seconds of one run of a model with one input of known shape.
TEST_CASE("the reference runs whole networks", "[.speed]") {
  const char* path = std::getenv("QTOOL_SPEED_MODEL");
  if (!path) SKIP("QTOOL_SPEED_MODEL names no model");
  Model model = onnxio::load(path);
  infer_types(model);
  std::vector<Tensor> inputs;
  for (const Node* placeholder : model.graph->placeholders()) {
    const ValueType& type = placeholder->out(0)->type;
    Shape shape;
    for (const Dim& dim : *type.dims) shape.push_back(dim.known() ? dim.value : 1);
    inputs.push_back(qtool::testing::random_tensor(type.dtype, shape, "x"));
  }
  const auto start = std::chrono::steady_clock::now();
  const auto outputs = qtool::testing::interpret(model, inputs);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  WARN(path << ": " << seconds.count() << " s, output " << to_string(outputs[0].shape()));
}
