// The files of configs/ as they are in the binary.

#include <catch2/catch_test_macros.hpp>

#include "base/error.h"
#include "config/backend.h"
#include "config/modules.h"
#include "config/qconfig.h"
#include "graph/pattern.h"

using namespace qtool;

TEST_CASE("built-in qconfigs: one for each backend, and the modes'; x86 first") {
  const auto names = QConfigMapping::built_in_names();
  CHECK(names == std::vector<std::string>{"x86", "arm", "dynamic", "fbgemm", "native", "openvino", "qnnpack", "tensorrt",
                                          "weight-only-int4", "weight-only-int8", "x86-avx2"});
  for (const std::string& backend : BackendConfig::built_in_names()) CHECK(std::count(names.begin(), names.end(), backend) == 1);
}

TEST_CASE("built-in qconfigs: parse, and JSON and back is the same") {
  for (const std::string& name : QConfigMapping::built_in_names()) {
    CAPTURE(name);
    const auto mapping = QConfigMapping::built_in(name);
    CHECK(QConfigMapping::parse(mapping.to_json(), "again") == mapping);
  }
}

TEST_CASE("built-in backends: parse, every expression compiles, and JSON and back is the same") {
  CHECK(BackendConfig::built_in_names() ==
        std::vector<std::string>{"x86", "arm", "fbgemm", "native", "openvino", "qnnpack", "tensorrt", "x86-avx2"});
  for (const std::string& name : BackendConfig::built_in_names()) {
    CAPTURE(name);
    const auto backend = BackendConfig::built_in(name);
    CHECK(backend.name == name);
    CHECK(BackendConfig::parse(backend.to_json(), "again") == backend);
    for (const BackendPattern& pattern : backend.patterns) {
      CHECK_FALSE(pattern.expressions.empty());
      for (const std::string& expression : pattern.expressions) CHECK_NOTHROW(Pattern::parse(expression));
    }
  }
}

TEST_CASE("built-in pairs: every static qconfig satisfies some types of the convolution of the backend of its name") {
  for (const std::string& name : BackendConfig::built_in_names()) {
    CAPTURE(name);
    const QConfigMapping mapping = QConfigMapping::built_in(name);
    const QConfig& qconfig = *mapping.choose("conv", {"Conv"}).qconfig;
    bool satisfied = false;
    for (const BackendPattern& pattern : BackendConfig::built_in(name).patterns) {
      if (pattern.root_module != "Conv") continue;
      for (const DTypeConfig& config : pattern.dtype_configs)
        satisfied |= (!config.input || check_constraints(qconfig.activation, *config.input).empty()) &&
                     (!config.output || check_constraints(qconfig.activation, *config.output).empty()) &&
                     (!config.weight || check_constraints(qconfig.weight, *config.weight).empty());
    }
    CHECK(satisfied);
  }
}

TEST_CASE("built-in x86: the types and bounds of the default") {
  const QConfigMapping mapping = QConfigMapping::built_in("x86");
  const QConfig& qconfig = *mapping.choose("anything", {}).qconfig;
  CHECK(qconfig.activation.observer == "histogram");
  CHECK(qconfig.activation.dtype == DType::uint8);
  CHECK(qconfig.activation.codes == CodeRange{0, 255});
  CHECK(qconfig.weight.dtype == DType::int8);
  CHECK(qconfig.weight.codes == CodeRange{-127, 127});
  CHECK(qconfig.weight.qscheme == QScheme::per_channel_symmetric);
  const Placement& placement = BackendConfig::built_in("x86").placement;
  CHECK(placement.relu_zp == Placement::ReluZeroPoint::qmin);
  CHECK(placement.bias == Placement::Bias::int32_dq);
  CHECK(placement.fixed_range.at("Softmax") == std::pair(0.0f, 1.0f));
}

TEST_CASE("a name that is not built in: usage, with the nearest and all there are") {
  try {
    BackendConfig::load("x68");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::usage);
    CHECK(
        std::string(error.what()) ==
        "no file and no built-in backend \"x68\", did you mean \"x86\"? (built in: arm, fbgemm, native, openvino, qnnpack, tensorrt, x86, "
        "x86-avx2)");
  }
}

TEST_CASE("modules: every expression compiles and names are unique") {
  std::vector<std::string> names;
  for (const Module& module : modules()) {
    CAPTURE(module.name);
    CHECK(std::count(names.begin(), names.end(), module.name) == 0);
    names.push_back(module.name);
    CHECK_FALSE(module.patterns.empty());
    for (const std::string& pattern : module.patterns) CHECK_NOTHROW(Pattern::parse(pattern));
  }
  CHECK(module_named("Conv2d")->weight_rank == 4);
  CHECK(module_named("Conv") == nullptr);
}

TEST_CASE("modules: an alias stands for all its expressions, bare or with (...)") {
  const auto linear = module_named("Linear")->patterns;
  CHECK(expand_modules("Linear").expressions == linear);
  CHECK(expand_modules("Linear(...)").expressions == linear);
  CHECK(expand_modules("Relu(Linear)").expressions[2] == "Relu(Gemm(?x, const ?w, ?b=))");
  CHECK(expand_modules("Conv(?x, ?w)").expressions == std::vector<std::string>{"Conv(?x, ?w)"});
  CHECK(expand_modules("Relu(Conv1d)").weight_rank == 3);
  CHECK_THROWS_AS(expand_modules("Linear(?x)"), Error);
}

TEST_CASE("modules: two uses of an alias do not bind each other's values") {
  const auto expressions = expand_modules("Add(ReLU6, ReLU6)").expressions;
  CHECK(expressions == std::vector<std::string>{"Add(Clip(?x, 0, 6), Clip(?x_2, 0, 6))"});
  CHECK(expand_modules("Add(Linear, Linear)").expressions.size() == 9);
}
