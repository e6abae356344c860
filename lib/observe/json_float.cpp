#include "observe/json_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/shortest.h"

namespace qtool {

nlohmann::ordered_json json_of(float value) { return shortest_decimal(value); }

float float_of(const nlohmann::ordered_json& json, const std::string& what) {
  if (!json.is_number()) throw invalid_file(what + ": a number is expected");
  const double value = json.get<double>();
  constexpr double most = std::numeric_limits<float>::max();
  if (!(std::fabs(value) < 0x1.ffffffp127)) throw invalid_file(what + ": the number does not fit a float");
  return static_cast<float>(std::clamp(value, -most, most));  // the shortest decimal of the greatest float is above it
}

uint64_t count_of(const nlohmann::ordered_json& json, const std::string& what) {
  if (!json.is_number_unsigned()) throw invalid_file(what + ": a count is expected");
  return json.get<uint64_t>();
}

const nlohmann::ordered_json& member(const nlohmann::ordered_json& json, const std::string& key, const std::string& what) {
  if (!json.is_object() || !json.contains(key)) throw invalid_file(what + ": \"" + key + "\" is missing");
  return json.at(key);
}

void check_nesting(std::string_view text, int limit) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == ']' || c == '}') --depth;
    if ((c == '[' || c == '{') && ++depth > limit) throw invalid_file("nested deeper than " + std::to_string(limit));
  }
}

}  // namespace qtool
