// Models of damaged bytes: an error of the right kind, or a graph that lint accepts and that is saved to a fixed point.

#include <catch2/catch_test_macros.hpp>

#include "onnxio/hostile_bytes.h"
#include "support/fuzz.h"
#include "support/models.h"

using namespace qtool;

namespace {

std::vector<std::string> seeds() {
  const char* texts[] = {
      "g (float[N, 3] x) => (float[N, 2] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}, int8[2] b = {1, -2}> { m = MatMul(x, w) y = Relu(m) }",
      R"(g (float[2] x, bool c) => (float[2] y) {
           h = Constant <value = float[2] {1, 2}> ()
           y = If (c) <then_branch = t () => (float[2] a) { a = Add(x, h) },
                       else_branch = e () => (float[2] b) <float[2] w = {3, 4}> { b = Clip <min = -1.5, axes = [1, 2]> (w) }> })",
      R"(<ir_version: 8, opset_import: ["" : 17, "m" : 1]>
         g (float[2] x) => (float[2] y) { t = m.Twice(x) y = m.Outer <a = 0.5> (t) }
         <domain: "m", opset_import: ["" : 17]> Twice (u) => (v) { v = Add(u, u) }
         <domain: "m", opset_import: ["" : 17, "m" : 1]> Outer <a> (u) => (v) { t = m.Twice(u) v = LeakyRelu <alpha : float = @a> (t) })"};
  std::vector<std::string> bytes;
  for (const char* text : texts) bytes.push_back(onnxio::serialize(testing::model_of(text)));
  return bytes;
}

}  // namespace

TEST_CASE("fuzz: onnx models") { testing::fuzz(seeds(), 3000, testing::load_hostile); }
