// The three reference cases of docs/backends.md: a backend that lists only Linear and Conv + ReLU, with constraints.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "reference_backend.h"

using namespace qtool;
using namespace qtool::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Prepared {
  Model model;
  QuantPlan plan;
  std::vector<Diagnostic> said;
};

Prepared prepared(bool with_bn, int quant_max, const std::string& eps) {
  Prepared result{reference_network(with_bn), {}, {}};
  Diagnostics diagnostics;
  const PrepareOptions options = reference_options(quant_max, eps);
  result.plan = prepare(result.model, options, diagnostics);
  result.said = diagnostics.all();
  for (NodeDecision& each : result.plan.nodes) each.qconfig = nullptr;  // options end here
  return result;
}

}  // namespace

TEST_CASE("linear - conv - relu - sigmoid: both quantized, sigmoid float, one observer between them") {
  const Prepared result = prepared(false, 127, "0.000244140625");
  CHECK(decision(result.plan, "matmul").quantized);
  CHECK(decision(result.plan, "conv").quantized);
  CHECK_FALSE(decision(result.plan, "sigmoid").quantized);
  CHECK(result.plan.tensors.count(result.model.graph->find("l")) == 1);
}

TEST_CASE("linear - conv - bn - relu - sigmoid: only linear is quantized; conv, bn and relu stay apart") {
  const Prepared result = prepared(true, 127, "0.000244140625");
  CHECK(decision(result.plan, "matmul").quantized);
  for (const char* name : {"conv", "bn", "relu"}) {
    CHECK_FALSE(decision(result.plan, name).quantized);
    CHECK(decision(result.plan, name).call->kind() == NodeKind::call_function);
  }
}

TEST_CASE("quant_max 255 and a small eps: nothing is quantized, with two reasons a node") {
  const Prepared result = prepared(false, 255, "1.19e-7");
  CHECK_FALSE(result.plan.quantizes_anything());
  for (const char* name : {"matmul", "conv"}) {
    std::string all;
    for (const std::string& reason : decision(result.plan, name).reasons) all += reason + "\n";
    CHECK_THAT(all, ContainsSubstring("255"));
    CHECK_THAT(all, ContainsSubstring("eps"));
  }
  const auto breaches =
      std::count_if(result.said.begin(), result.said.end(), [](const Diagnostic& each) { return each.kind == "constraint"; });
  CHECK(breaches == 2);  // sigmoid is not in the backend: no mistake of the qconfig
}
