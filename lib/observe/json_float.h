#pragma once
// Reading and writing statistics as JSON; a float is the shortest decimal that reads back as the same float.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace qtool {

/// `value` finite.
nlohmann::ordered_json json_of(float value);
/// Throws Error(invalid_file) "WHAT: ..." unless it is a number that is a finite float.
float float_of(const nlohmann::ordered_json& json, const std::string& what);
/// A number of 0..2^64-1; throws Error(invalid_file) otherwise.
uint64_t count_of(const nlohmann::ordered_json& json, const std::string& what);
/// A member; throws Error(invalid_file) when `json` is no object or lacks it.
const nlohmann::ordered_json& member(const nlohmann::ordered_json& json, const std::string& key, const std::string& what);

/// Throws Error(invalid_file) when arrays and objects are nested deeper than `limit`: copying and comparing documents recurse.
void check_nesting(std::string_view text, int limit);

}  // namespace qtool
