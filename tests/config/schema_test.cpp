// The JSON Schemas of configs/schema say what the readers accept: the same words, the same keys.

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "config/embedded.h"
#include "config/words.h"

using namespace qtool;
using nlohmann::json;

namespace {

json schema(const std::string& name) { return json::parse(embedded_config("schema/" + name + ".schema.json")); }

template <class T>
std::vector<std::string> names(std::span<const Word<T>> words) {
  std::vector<std::string> all;
  for (const auto& word : words) all.emplace_back(word.first);
  return all;
}

std::set<std::string> keys(const json& object) {
  std::set<std::string> all;
  for (const auto& [key, value] : object.items()) all.insert(key);
  return all;
}

/// The keys that a reader's message for an unknown one lists.
template <class Config>
std::set<std::string> known_keys(const std::string& document) {
  std::string text;
  try {
    Config::parse(document, "f");
  } catch (const Error& error) {
    text = error.what();
  }
  const auto start = text.find("known here: ");
  REQUIRE(start != std::string::npos);
  std::set<std::string> all;
  std::string key;
  for (const char c : text.substr(start + 12, text.find('\n', start) - start - 12) + ",")
    if (c == ',')
      all.insert(key), key.clear();
    else if (c != ' ')
      key += c;
  return all;
}

const std::string kUnknown = "\"zzzzzzzzzzzzzzzzzzzzzzzz\": 0";

}  // namespace

TEST_CASE("schemas: the words of every list are the reader's") {
  const json qconfig = schema("qconfig"), backend = schema("backend");
  const json& observer = qconfig["$defs"]["observer"]["properties"];
  CHECK(observer["observer"]["enum"] == json(names(words::observers())));
  CHECK(observer["dtype"]["enum"] == json(names(words::activation_types())));
  CHECK(observer["qscheme"]["enum"] == json(names(words::schemes())));
  const json& pattern = backend["$defs"]["pattern"]["properties"];
  CHECK(pattern["observation_type"]["enum"] == json(names(words::observation_types())));
  CHECK(pattern["fuser_method"]["enum"] == json(names(words::fuser_methods())));
  CHECK(backend["$defs"]["dtype"]["enum"] == json(names(words::activation_types())));
  const json& placement = backend["$defs"]["placement"]["properties"];
  CHECK(placement["placement"]["enum"] == json(names(words::placements())));
  CHECK(placement["relu_zp"]["enum"] == json(names(words::relu_zero_points())));
  CHECK(placement["bias"]["enum"] == json(names(words::biases())));
  CHECK(placement["add_inputs"]["enum"] == json(names(words::add_inputs())));
  CHECK(placement["constant_operands"]["enum"] == json(names(words::constant_operands())));
}

TEST_CASE("schemas: the keys of every object are the reader's") {
  const json qconfig = schema("qconfig"), backend = schema("backend");
  CHECK(keys(qconfig["properties"]) == known_keys<QConfigMapping>("{" + kUnknown + "}"));
  CHECK(keys(qconfig["$defs"]["qconfig"]["properties"]) ==
        known_keys<QConfigMapping>(R"({"global": {"activation": null, "weight": null, )" + kUnknown + "}}"));
  CHECK(keys(qconfig["$defs"]["observer"]["properties"]) ==
        known_keys<QConfigMapping>(R"({"global": {"weight": null, "activation": {"observer": "none", )" + kUnknown + "}}}"));
  CHECK(keys(backend["properties"]) == known_keys<BackendConfig>(R"({"name": "b", "patterns": [], )" + kUnknown + "}"));
  CHECK(keys(backend["$defs"]["pattern"]["properties"]) ==
        known_keys<BackendConfig>(R"({"name": "b", "patterns": [{"pattern": "Conv", )" + kUnknown + "}]}"));
  CHECK(keys(backend["$defs"]["dtype_config"]["properties"]) ==
        known_keys<BackendConfig>(R"({"name": "b", "patterns": [], "dtype_configs": {"c": {)" + kUnknown + "}}}"));
  CHECK(keys(backend["$defs"]["constraint"]["oneOf"][2]["properties"]) ==
        known_keys<BackendConfig>(R"({"name": "b", "patterns": [], "dtype_configs": {"c": {"input": {"dtype": "int8", )" + kUnknown +
                                  "}}}}"));
  CHECK(keys(backend["$defs"]["placement"]["properties"]) ==
        known_keys<BackendConfig>(R"({"name": "b", "patterns": [], "placement": {)" + kUnknown + "}}"));
}
