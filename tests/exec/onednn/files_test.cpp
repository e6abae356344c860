#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "onnxio/onnxio.h"
#include "ops/op_def.h"
#include "tests/exec/onednn/engine_check.h"

namespace qtool::testing {
namespace {

/// "1x3x48x192"
Shape shape_of(const std::string& text) {
  Shape shape;
  std::istringstream in(text);
  for (std::string dim; std::getline(in, dim, 'x');) shape.push_back(std::stoll(dim));
  return shape;
}

// QTOOL_SHAPE=1x3x48x192 (of inputs with unknown dimensions) QTOOL_MODEL=int8.onnx exec_tests "[file]": every cluster of a file against the
// reference, with kernel and time.
TEST_CASE("onednn: every cluster of a file", "[.][file]") {
  const char* path = std::getenv("QTOOL_MODEL");
  if (!path) SKIP("QTOOL_MODEL names no file");
  const char* size = std::getenv("QTOOL_SHAPE");
  Model model = onnxio::load(path);
  infer_types(model);
  const std::vector<Tensor> inputs = random_inputs(model, size ? shape_of(size) : Shape{}, 2);
  double total = 0;
  for (const ClusterCheck& check : check_engine(model, inputs, 7)) {
    std::cout << to_text(check) << '\n';
    total += check.kernel.empty() ? 0 : check.us;
    if (!check.kernel.empty()) CHECK(agrees(check));
  }
  std::cout << "total " << total << " us\n";
}

}  // namespace
}  // namespace qtool::testing
