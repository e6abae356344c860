// Every mistake of a file is told at once, each with its place, what was found and what is allowed.

#include <catch2/catch_test_macros.hpp>

#include "base/error.h"
#include "config/backend.h"
#include "config/nearest.h"
#include "config/qconfig.h"

using namespace qtool;

namespace {

template <class Config>
std::string mistakes_in(const std::string& json, const std::string& source) {
  try {
    Config::parse(json, source);
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::invalid_file);
    return error.what();
  }
  return "";
}

struct Row {
  std::string json, mistakes;
};

/// A qconfig whose activation has these fields.
std::string activation(const std::string& fields) { return R"({"global": {"activation": {)" + fields + R"(}, "weight": null}})"; }

std::string weight(const std::string& fields) { return R"({"global": {"activation": null, "weight": {)" + fields + "}}}"; }

/// A backend with one pattern of these fields.
std::string pattern(const std::string& fields) { return R"({"name": "b", "patterns": [{)" + fields + "}]}"; }

std::string constraint(const std::string& fields) {
  return R"({"name": "b", "patterns": [], "dtype_configs": {"c": {"input": )" + fields + "}}}";
}

std::string placement(const std::string& fields) { return R"({"name": "b", "patterns": [], "placement": {)" + fields + "}}"; }

}  // namespace

TEST_CASE("qconfig: all mistakes of a file at once") {
  const std::string json = R"({
    "golbal": null,
    "global": {"activation": {"observer": "histogramm", "dtype": "int9", "percentil": 3}, "weight": {"observer": "minmax"}},
    "module_name": {"/head/conv": 7},
    "module_name_regex": [["(", null], ["a"]]
  })";
  CHECK(
      mistakes_in<QConfigMapping>(json, "q.json") ==
      R"(q.json: /global/activation/observer: "histogramm" is not one of minmax, moving_average_minmax, per_channel_minmax, moving_average_per_channel_minmax, histogram, percentile, entropy, mse, octav, fixed_qparams, placeholder, none
q.json: /global/activation/dtype: "int9" is not one of int8, uint8, int16, uint16, int4, uint4, float
q.json: /global/activation/percentil: unknown key, did you mean "percentile"?
q.json: /global/weight/dtype: missing
q.json: /module_name_regex/0/0: "(" is not a regular expression
q.json: /module_name_regex/1: an array of 1 is not [regex, qconfig]
q.json: /module_name/~1head~1conv: 7 is not an object or null
q.json: /golbal: unknown key, did you mean "global"?)");
}

TEST_CASE("qconfig: each field with a wrong value") {
  const std::string u8 = R"("observer": "minmax", "dtype": "uint8", )", s8 = R"("observer": "minmax", "dtype": "int8", )";
  const Row rows[] = {
      {"[]", "q: an array is not a qconfig, which is an object"},
      {"{",
       "q: not JSON: parse error at line 1, column 2: syntax error while parsing object key - unexpected end of input; expected string "
       "literal"},
      {R"({"global": null, "global": null})", "q: key \"global\" is there twice in one object"},
      {R"({"object_type": []})", "q: /object_type: an array is not an object"},
      {R"({"module_name_regex": {}})", "q: /module_name_regex: an object is not an array"},
      {R"({"global": {}})", "q: /global/activation: missing\nq: /global/weight: missing"},
      {R"({"global": {"activation": 1, "weight": null}})", "q: /global/activation: 1 is not an object or null"},
      {activation(R"("dtype": "uint8")"), "q: /global/activation/observer: missing"},
      {activation(R"("observer": 5, "dtype": "float")"),
       "q: /global/activation/observer: 5 is not one of minmax, moving_average_minmax, per_channel_minmax, "
       "moving_average_per_channel_minmax, "
       "histogram, percentile, entropy, mse, octav, fixed_qparams, placeholder, none"},
      {activation(u8 + R"("quant_max": 256)"), "q: /global/activation/quant_max: 256 is outside 0..255"},
      {activation(u8 + R"("quant_min": -1)"), "q: /global/activation/quant_min: -1 is outside 0..255"},
      {activation(u8 + R"("quant_min": 1.5)"), "q: /global/activation/quant_min: 1.5 is not a whole number"},
      {activation(u8 + R"("quant_min": 9, "quant_max": 9)"), "q: /global/activation: quant_min 9 is not below quant_max 9"},
      {activation(u8 + R"("quant_max": 99999999999999999999)"), "q: /global/activation/quant_max: 1e+20 is not a whole number"},
      {activation(u8 + R"("quant_max": 18446744073709551615)"), "q: /global/activation/quant_max: 18446744073709551615 is outside 0..255"},
      {activation(u8 + R"("qscheme": "per_tensor")"),
       "q: /global/activation/qscheme: \"per_tensor\" is not one of per_tensor_affine, per_tensor_symmetric, per_channel_affine, "
       "per_channel_symmetric"},
      {activation(u8 + R"("qscheme": "per_channel_affine")"),
       "q: /global/activation/qscheme: \"per_channel_affine\" is for weights, activations are quantized per tensor"},
      {activation(R"("observer": "per_channel_minmax", "dtype": "uint8")"),
       "q: /global/activation/observer: \"per_channel_minmax\" is for weights, activations are quantized per tensor"},
      {activation(u8 + R"("reduce_range": "yes")"), "q: /global/activation/reduce_range: \"yes\" is not true or false"},
      {activation(u8 + R"("eps": -1)"), "q: /global/activation/eps: -1 is outside 0..1000000"},
      {activation(u8 + R"("eps": "1e-7")"), "q: /global/activation/eps: \"1e-7\" is not a number"},
      {activation(u8 + R"("percentile": 101)"), "q: /global/activation/percentile: 101 is outside 50..100"},
      {activation(u8 + R"("bins": 2)"), "q: /global/activation/bins: 2 is outside 16..65536"},
      {activation(u8 + R"("averaging_constant": null)"), "q: /global/activation/averaging_constant: null is not a number"},
      {activation(u8 + R"("ch_axis": 9)"), "q: /global/activation/ch_axis: 9 is outside -1..7"},
      {activation(u8 + R"("power_of_two": 1)"), "q: /global/activation/power_of_two: 1 is not true or false"},
      {activation(u8 + R"("scale": 0.5)"),
       "q: /global/activation/scale: only observer fixed_qparams has a fixed value here, found observer minmax"},
      {activation(R"("observer": "fixed_qparams", "dtype": "uint8")"),
       "q: /global/activation/scale: missing\nq: /global/activation/zero_point: missing"},
      {activation(R"("observer": "fixed_qparams", "dtype": "uint8", "scale": 0, "zero_point": 300)"),
       "q: /global/activation/scale: 0 is outside 1.1754943508222875e-38..3.4028234663852886e+38\n"
       "q: /global/activation/zero_point: 300 is outside 0..255"},
      {weight(R"("observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_tensor_symmetric")"),
       "q: /global/weight/qscheme: \"per_tensor_symmetric\" contradicts observer per_channel_minmax"},
      {weight(R"("observer": "placeholder", "dtype": "int8")"),
       "q: /global/weight/observer: \"placeholder\" is for activations, weights are known"},
      {activation(u8 + R"("group_size": 32)"),
       "q: /global/activation/group_size: groups are for weights, activations are quantized per tensor"},
      {weight(s8 + R"("group_size": -1)"), "q: /global/weight/group_size: -1 is outside 0..1048576"},
      {weight(s8 + R"("something_else_entirely": 1)"),
       "q: /global/weight/something_else_entirely: unknown key; known here: averaging_constant, bins, ch_axis, dtype, eps, group_size, "
       "observer, "
       "percentile, power_of_two, qscheme, quant_max, quant_min, reduce_range, scale, zero_point"},
      {R"({"description": 1, "module_name_regex": [[7, null]]})", "q: /module_name_regex/0/0: 7 is not a string"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    CHECK(mistakes_in<QConfigMapping>(row.json, "q") == row.mistakes);
  }
}

TEST_CASE("backend: each field with a wrong value") {
  const std::string types = "int8, uint8, int16, uint16, int4, uint4, float";
  const Row rows[] = {
      {"3", "b: 3 is not a backend, which is an object\nb: /name: missing\nb: /patterns: missing"},
      {R"({"name": 1, "patterns": {}})", "b: /name: 1 is not a string\nb: /patterns: an object is not an array"},
      {R"({"name": "b", "patterns": [1]})", "b: /patterns/0: 1 is not an object"},
      {pattern(""), "b: /patterns/0/pattern: missing"},
      {pattern(R"("pattern": [])"), "b: /patterns/0/pattern: the list of operators is empty"},
      {pattern(R"("pattern": "Relu(")"),
       "b: /patterns/0/pattern: pattern \"Relu(\": column 6: expected an operator, ?name, const or a number, found the end"},
      {pattern(R"-("pattern": "Linear(?x)")-"),
       "b: /patterns/0/pattern: pattern \"Linear(?x)\": column 7: a module alias is written bare or with (...)"},
      {pattern(R"("pattern": "Conv", "observation_type": "OUTPUT")"),
       "b: /patterns/0/observation_type: \"OUTPUT\" is not one of OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT, "
       "OUTPUT_SHARE_OBSERVER_WITH_INPUT, "
       "INPUT_OUTPUT_NOT_OBSERVED"},
      {pattern(R"("pattern": "Conv", "dtype_configs": ["u8"])"), "b: /patterns/0/dtype_configs/0: \"u8\" is not in /dtype_configs"},
      {R"({"name": "b", "dtype_configs": {"u8s8": {}}, "patterns": [{"pattern": "Conv", "dtype_configs": ["u8s7"]}]})",
       "b: /patterns/0/dtype_configs/0: \"u8s7\" is not in /dtype_configs, did you mean \"u8s8\"?"},
      {pattern(R"("pattern": "Conv", "dtype_configs": [7])"), "b: /patterns/0/dtype_configs/0: 7 is not an object"},
      {pattern(R"("pattern": "Conv", "dtype_config": [])"), "b: /patterns/0/dtype_config: unknown key, did you mean \"dtype_configs\"?"},
      {pattern(R"("pattern": "Conv", "fuser_method": "fold_batchnorm")"),
       "b: /patterns/0/fuser_method: \"fold_batchnorm\" is not one of none, fold_bn, fold_bn_forward, fold_mul, fold_add, fold_pad, "
       "fold_alpha, "
       "bn_to_conv, div_to_mul, sub_to_add, to_gemm"},
      {pattern(R"("pattern": "Conv", "fused_module": "Conv-Relu")"),
       "b: /patterns/0/fused_module: \"Conv-Relu\" is not a name of letters, digits and _"},
      {pattern(R"-("pattern": "Conv", "replacement": "Relu(")-"),
       "b: /patterns/0/replacement: pattern \"Relu(\": column 6: expected an operator, ?name, const or a number, found the end"},
      {pattern(R"("pattern": "Conv", "root_module": [])"), "b: /patterns/0/root_module: an array is not a string"},
      {pattern(R"("pattern": ["Conv", "Relu"], "root_module": "Cnov")"),
       "b: /patterns/0/root_module: \"Cnov\" is not one of the pattern's operators (Relu, Conv), and no module"},
      {constraint(R"("quint8")"), "b: /dtype_configs/c/input: \"quint8\" is not one of " + types},
      {constraint(R"({})"), "b: /dtype_configs/c/input/dtype: missing"},
      {constraint(R"({"dtype": "int8", "quant_min_lower_bound": "a"})"),
       "b: /dtype_configs/c/input/quant_min_lower_bound: \"a\" is not a whole number"},
      {constraint(R"({"dtype": "int8", "scale_min_lower_bound": -1})"),
       "b: /dtype_configs/c/input/scale_min_lower_bound: -1 is outside 0..1e+30"},
      {constraint(R"({"dtype": "int8", "quant_min_lower_bound": 5, "quant_max_upper_bound": 5})"),
       "b: /dtype_configs/c/input: quant_min_lower_bound 5 is not below quant_max_upper_bound 5"},
      {constraint(R"({"dtype": "int8", "scale_min_lower_bound": 2, "scale_max_upper_bound": 1})"),
       "b: /dtype_configs/c/input: scale_min_lower_bound 2 is above scale_max_upper_bound 1"},
      {constraint(R"({"dtype": "int8", "scale_min_lower_bound": 0.5, "scale_exact_match": 0.25})"),
       "b: /dtype_configs/c/input/scale_exact_match: 0.25 contradicts the bounds beside it, 0.5.."},
      {constraint(R"({"dtype": "uint8", "quant_min_lower_bound": 0, "quant_max_upper_bound": 127, "zero_point_exact_match": 128})"),
       "b: /dtype_configs/c/input/zero_point_exact_match: 128 contradicts the bounds beside it, 0..127"},
      {constraint("4"), "b: /dtype_configs/c/input: 4 is not a type or an object"},
      {constraint(R"({"dtype": "int8", "quant_max_uper_bound": 5})"),
       "b: /dtype_configs/c/input/quant_max_uper_bound: unknown key, did you mean \"quant_max_upper_bound\"?"},
      {R"({"name": "b", "patterns": [], "dtype_configs": {"c": {"bias": "int8", "is_dynamic": 1}}})",
       "b: /dtype_configs/c/bias: \"int8\" is not one of int32, float\nb: /dtype_configs/c/is_dynamic: 1 is not true or false"},
      {R"({"name": "b", "patterns": [], "placement": 3})", "b: /placement: 3 is not an object"},
      {placement(R"("placement": "all")"), "b: /placement/placement: \"all\" is not one of every_tensor, inputs_only"},
      {placement(R"("relu_zp": 0)"), "b: /placement/relu_zp: 0 is not one of qmin, free"},
      {placement(R"("bias": "int32")"), "b: /placement/bias: \"int32\" is not one of int32_dq, float"},
      {placement(R"("add_inputs": "one")"), "b: /placement/add_inputs: \"one\" is not one of both, skip_only"},
      {placement(R"("constant_operands": "u8")"), "b: /placement/constant_operands: \"u8\" is not one of quantized, float"},
      {placement(R"("pass_through": "MaxPool")"), "b: /placement/pass_through: \"MaxPool\" is not an array"},
      {placement(R"("share_scale": [1])"), "b: /placement/share_scale/0: 1 is not a string"},
      {placement(R"("fixed_range": {"Softmax": [1]})"), "b: /placement/fixed_range/Softmax: an array of 1 is not [low, high]"},
      {placement(R"("fixed_range": {"Softmax": [1, 0]})"), "b: /placement/fixed_range/Softmax: the low end is not below the high end"},
      {placement(R"("opset_min": 3)"), "b: /placement/opset_min: 3 is outside 7..1000"},
      {placement(R"("opset_min": 21, "opset_max": 20)"), "b: /placement: opset_min is above opset_max"},
      {placement(R"("min_mac": 1)"), "b: /placement/min_mac: unknown key, did you mean \"min_macs\"?"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    CHECK(mistakes_in<BackendConfig>(row.json, "b") == row.mistakes);
  }
}

TEST_CASE("documents: too deep a nesting and text that is no JSON are one line") {
  CHECK(mistakes_in<QConfigMapping>(std::string(100000, '['), "q") == "q: nested deeper than 64");
  CHECK(mistakes_in<QConfigMapping>("\xff\xfe", "q").starts_with("q: not JSON: "));
  CHECK(mistakes_in<QConfigMapping>("", "q").starts_with("q: not JSON: "));
}

TEST_CASE("a long value is cut in the message") {
  const auto text =
      mistakes_in<BackendConfig>(R"({"patterns": [], "name": ["a"], "description": 0, ")" + std::string(5000, 'x') + "\": 0}", "b");
  CHECK(text.starts_with("b: /name: an array is not a string"));
  const auto cut = mistakes_in<QConfigMapping>(activation(R"("dtype": ")" + std::string(5000, 'x') + "\""), "q");
  CHECK(cut.size() < 400);
}

TEST_CASE("nearest: the least edit distance, nothing when all are far") {
  const std::vector<std::string> words = {"percentile", "per_channel_minmax", "mse"};
  CHECK(nearest("percentil", words) == "percentile");
  CHECK(nearest("MSE", words) == "");
  CHECK(nearest("mze", words) == "mse");
  CHECK(nearest("entropy", words) == "");
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "abc") == 3);
}
