#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <iostream>

#include "onnxio/onnxio.h"
#include "ops/op_def.h"
#include "tests/exec/onednn/engine_check.h"

namespace qtool::testing {
namespace {

// QTOOL_MODEL=int8.onnx exec_tests "[file]": every cluster of a file against the reference, with kernel and time.
TEST_CASE("onednn: every cluster of a file", "[.][file]") {
  const char* path = std::getenv("QTOOL_MODEL");
  if (!path) SKIP("QTOOL_MODEL names no file");
  const char* size = std::getenv("QTOOL_UNKNOWN");
  Model model = onnxio::load(path);
  infer_types(model);
  double total = 0;
  for (const ClusterCheck& check : check_engine(model, random_inputs(model, size ? std::atoi(size) : 1, 2), 7)) {
    std::cout << to_text(check) << '\n';
    total += check.kernel.empty() ? 0 : check.us;
    if (!check.kernel.empty()) CHECK(agrees(check));
  }
  std::cout << "total " << total << " us\n";
}

}  // namespace
}  // namespace qtool::testing
