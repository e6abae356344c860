// Every field of both schemas with a value of a wrong type: an error that names the field's place.

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/backend.h"
#include "config/embedded.h"
#include "config/qconfig.h"

using namespace qtool;
using Json = nlohmann::ordered_json;

namespace {

Json schema(const std::string& name) { return Json::parse(embedded_config("schema/" + name + ".schema.json")); }

const Json& resolved(const Json& root, const Json& property) {
  return property.contains("$ref") ? root["$defs"][property["$ref"].get<std::string>().substr(8)] : property;
}

/// Values that are not of the property's type; the first is not even close.
std::vector<Json> wrong_values(const Json& property) {
  Json type = property.value("type", Json());
  if (type.is_array() && type[0] != "object") type = type[0];  // or null
  if (type == "string" && !property.contains("enum")) return {7, Json::array()};
  if (property.contains("enum")) return {"no_such_word", 7, Json::array()};
  if (type == "boolean") return {"yes", 1};
  if (type == "integer") return {"a", 1.5, Json::object()};
  if (type == "number") return {"a", Json::array()};
  if (type == "array") return {Json::object(), 7};
  return {7, Json::array()};  // objects, and what may be an object
}

template <class Config>
std::string mistakes_of(const Json& document) {
  try {
    Config::parse(document.dump(), "f");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::invalid_file);
    return error.what();
  }
  return "";
}

/// Puts every wrong value of every property of `object` at PLACE/key of `document`.
template <class Config>
int try_all(const Json& root, const Json& object, const Json& document, const std::string& place) {
  int tried = 0;
  for (const auto& [key, property] : object["properties"].items()) {
    if (key == "$schema" || key == "description") continue;  // not read
    const std::string pointer = place + "/" + key;
    for (const Json& value : wrong_values(resolved(root, property))) {
      Json wrong = document;
      wrong[Json::json_pointer(pointer)] = value;
      CAPTURE(pointer, value.dump());
      const std::string text = mistakes_of<Config>(wrong);
      CHECK(text.find("f: " + pointer) != std::string::npos);
      ++tried;
    }
  }
  return tried;
}

}  // namespace

TEST_CASE("qconfig: every field with values of a wrong type") {
  const Json root = schema("qconfig");
  const Json observer{{"observer", "fixed_qparams"}, {"dtype", "uint8"}, {"scale", 1}, {"zero_point", 0}};
  const Json document{{"global", {{"activation", observer}, {"weight", {{"observer", "minmax"}, {"dtype", "int8"}}}}}};
  CHECK(mistakes_of<QConfigMapping>(document) == "");
  int tried = try_all<QConfigMapping>(root, root, document, "");
  tried += try_all<QConfigMapping>(root, root["$defs"]["qconfig"], document, "/global");
  tried += try_all<QConfigMapping>(root, root["$defs"]["observer"], document, "/global/activation");
  CHECK(tried > 45);
}

TEST_CASE("backend: every field with values of a wrong type") {
  const Json root = schema("backend");
  const Json document{{"name", "b"},
                      {"dtype_configs", {{"c", {{"input", {{"dtype", "uint8"}}}}}}},
                      {"patterns", Json::array({{{"pattern", "Conv"}, {"dtype_configs", {"c"}}}})},
                      {"placement", Json::object()}};
  CHECK(mistakes_of<BackendConfig>(document) == "");
  int tried = try_all<BackendConfig>(root, root, document, "");
  tried += try_all<BackendConfig>(root, root["$defs"]["pattern"], document, "/patterns/0");
  tried += try_all<BackendConfig>(root, root["$defs"]["dtype_config"], document, "/dtype_configs/c");
  tried += try_all<BackendConfig>(root, root["$defs"]["constraint"]["oneOf"][2], document, "/dtype_configs/c/input");
  tried += try_all<BackendConfig>(root, root["$defs"]["placement"], document, "/placement");
  CHECK(tried > 70);
}
