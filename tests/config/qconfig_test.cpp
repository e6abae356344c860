#include "config/qconfig.h"

#include <catch2/catch_test_macros.hpp>

#include "base/error.h"

using namespace qtool;

namespace {

/// A mapping whose rules differ by quant_max of the activation.
QConfigMapping rules() {
  return QConfigMapping::parse(R"({
    "global": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 1}, "weight": {"observer": "minmax", "dtype": "int8"}},
    "object_type": {"Conv": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 2}},
                    "Linear": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 3}}, "MatMul": null},
    "module_name_regex": [["^/enc", {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 4}}],
                          ["conv$", {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 5}}]],
    "module_name": {"/enc/head": null, "/enc/head/conv": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 6}}}
  })",
                               "q.json");
}

int64_t chosen(const QConfigMapping& mapping, const std::string& path, const std::vector<std::string>& types) {
  const auto choice = mapping.choose(path, types);
  return choice.qconfig ? choice.qconfig->activation.codes.hi : 0;
}

ObserverSpec activation(const std::string& fields) {
  const auto mapping = QConfigMapping::parse(R"({"global": {"activation": {)" + fields + R"(}, "weight": null}})", "q.json");
  return mapping.choose("n", {}).qconfig->activation;
}

ObserverSpec weight(const std::string& fields) {
  const auto mapping = QConfigMapping::parse(R"({"global": {"activation": null, "weight": {)" + fields + "}}}", "q.json");
  return mapping.choose("n", {}).qconfig->weight;
}

}  // namespace

TEST_CASE("choose: module_name > module_name_regex > object_type > global") {
  const auto mapping = rules();
  CHECK(chosen(mapping, "/x", {"Relu"}) == 1);
  CHECK(chosen(mapping, "/x", {"Conv"}) == 2);
  CHECK(chosen(mapping, "/x", {"Linear", "MatMul"}) == 3);  // most specific first
  CHECK(chosen(mapping, "/x", {"MatMul"}) == 0);
  CHECK(chosen(mapping, "/encoder/conv", {"Conv"}) == 4);  // the first regex of the file
  CHECK(chosen(mapping, "/dec/conv", {"Conv"}) == 5);
  CHECK(chosen(mapping, "/enc/head/relu", {"Conv"}) == 0);
  CHECK(chosen(mapping, "/enc/head/conv/Conv", {"Conv"}) == 6);  // the longest prefix
}

TEST_CASE("choose: tells the rule") {
  const auto mapping = rules();
  CHECK(mapping.choose("/x", {}).rule == "global");
  CHECK(mapping.choose("/x", {"Conv"}).rule == "object_type \"Conv\"");
  CHECK(mapping.choose("/enc", {}).rule == "module_name_regex \"^/enc\"");
  CHECK(mapping.choose("/enc/head", {}).rule == "module_name \"/enc/head\"");
  CHECK(QConfigMapping::parse("{}", "q").choose("/x", {}).rule == "no rule");
}

TEST_CASE("choose: rules that matched nothing are remembered with their place") {
  const auto mapping = rules();
  (void)mapping.choose("/enc/head", {});
  (void)mapping.choose("/x", {"Conv"});
  (void)mapping.choose("/dec/conv", {});
  CHECK(mapping.unmatched_rules() == std::vector<std::string>{"object_type \"Linear\" (q.json: /object_type/Linear)",
                                                              "object_type \"MatMul\" (q.json: /object_type/MatMul)",
                                                              "module_name_regex \"^/enc\" (q.json: /module_name_regex/0/1)",
                                                              "module_name \"/enc/head/conv\" (q.json: /module_name/~1enc~1head~1conv)"});
}

TEST_CASE("covers: whole names and prefixes at a boundary") {
  CHECK(covers("/head", "/head"));
  CHECK(covers("/head", "/head/conv/Conv"));
  CHECK(covers("head", "head.conv"));
  CHECK(covers("head", "head::conv"));
  CHECK(covers("head/", "head/conv"));
  CHECK(covers("/If_0/then_branch", "/If_0/then_branch/conv"));
  CHECK_FALSE(covers("/head", "/header"));
  CHECK_FALSE(covers("head", "head:conv"));
  CHECK_FALSE(covers("/head/conv", "/head"));
  CHECK_FALSE(covers("", "/head"));
}

TEST_CASE("codes: defaults of activations and weights, whole and reduced") {
  const std::string minmax = R"("observer": "minmax", "dtype": )", reduced = R"(, "reduce_range": true)";
  CHECK(activation(minmax + R"("int8")").codes == CodeRange{-128, 127});
  CHECK(activation(minmax + R"("int8")" + reduced).codes == CodeRange{-64, 63});
  CHECK(activation(minmax + R"("uint8")").codes == CodeRange{0, 255});
  CHECK(activation(minmax + R"("uint8")" + reduced).codes == CodeRange{0, 127});
  CHECK(weight(minmax + R"("int8")").codes == CodeRange{-127, 127});
  CHECK(weight(minmax + R"("int8")" + reduced).codes == CodeRange{-63, 63});
  CHECK(weight(minmax + R"("int4")").codes == CodeRange{-7, 7});
  CHECK(activation(minmax + R"("uint16")").codes == CodeRange{0, 65535});
  CHECK(activation(minmax + R"("uint8", "quant_max": 200)" + reduced).codes == CodeRange{0, 200});  // what is given counts
}

TEST_CASE("observer: defaults, and what is not quantized") {
  const auto spec = activation(R"("observer": "histogram", "dtype": "uint8")");
  CHECK(spec.qscheme == QScheme::per_tensor_affine);
  CHECK(spec.eps == 1.1920928955078125e-07f);
  CHECK(spec.where == "q.json: /global/activation");
  CHECK(spec.quantizes());
  CHECK(weight(R"("observer": "per_channel_minmax", "dtype": "int8")").qscheme == QScheme::per_channel_symmetric);
  CHECK(weight(R"("observer": "minmax", "dtype": "int8")").qscheme == QScheme::per_tensor_symmetric);
  CHECK_FALSE(activation(R"("dtype": "float")").quantizes());
  CHECK_FALSE(activation(R"("observer": "none")").quantizes());
  CHECK(activation(R"("observer": "placeholder", "dtype": "uint8")").dynamic());
  const auto fixed = activation(R"("observer": "fixed_qparams", "dtype": "uint8", "scale": 0.1, "zero_point": 3)");
  CHECK((fixed.scale == 0.1f && fixed.zero_point == 3));
}

TEST_CASE("a rule that gives one tensor takes the other from global") {
  const auto mapping = rules();
  CHECK(mapping.choose("/x", {"Conv"}).qconfig->weight.dtype == DType::int8);
}

TEST_CASE("equality is of the meaning: places, order of keys and defaults written out do not matter") {
  const auto a = QConfigMapping::parse(R"({"global": {"weight": null, "activation": {"dtype": "uint8", "observer": "minmax"}}})", "a");
  const auto b = QConfigMapping::parse(
      R"({"global": {"activation": {"observer": "minmax", "dtype": "uint8", "quant_max": 255, "eps": 1.1920929e-07}, "weight": null}})",
      "b");
  CHECK(a == b);
  CHECK_FALSE(a == rules());
}

TEST_CASE("JSON: written whole, read back equal, eps short") {
  const auto mapping = rules();
  CHECK(QConfigMapping::parse(mapping.to_json(), "again") == mapping);
  CHECK(mapping.to_json().find("\"eps\": 1.1920929e-07") != std::string::npos);
  CHECK(QConfigMapping::parse("{}", "q").to_json() == "{}");
}

TEST_CASE("with_activation_observer: changes static activations only") {
  const auto changed = QConfigMapping::built_in("x86").with_activation_observer("percentile");
  CHECK(changed.choose("n", {}).qconfig->activation.observer == "percentile");
  CHECK(changed.choose("n", {}).qconfig->weight.observer == "per_channel_minmax");
  const auto dynamic = QConfigMapping::built_in("dynamic").with_activation_observer("minmax");
  CHECK(dynamic.choose("n", {}).qconfig->activation.observer == "placeholder");
  CHECK_THROWS_AS(changed.with_activation_observer("percentil"), Error);
  CHECK_THROWS_AS(changed.with_activation_observer("per_channel_minmax"), Error);
}

TEST_CASE("a regex that would take for ever does not") {
  const auto mapping = QConfigMapping::parse(R"({"module_name_regex": [["^(a+)+$", null]]})", "q");
  CHECK(mapping.choose(std::string(2000, 'a') + "b", {}).rule == "no rule");
}
