#include "observe/stats.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "observe/json_float.h"

namespace qtool {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kMaxNesting = 16;

/// `text` as a document of ours, of this version.
Json read_document(std::string_view text) {
  check_nesting(text, kMaxNesting);
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", Json()) != "qtool.stats") throw invalid_file("is not a statistics file of qtool");
  const Json version = json.value("version", Json());
  if (version != Stats::kVersion) throw invalid_file("/version: " + version.dump() + " is not " + std::to_string(Stats::kVersion));
  return json;
}

}  // namespace

void Stats::merge(const Stats& other) {
  if (model != other.model) throw invalid_file("statistics of two different models: " + model + " and " + other.model);
  for (const std::string& sample : other.samples)
    if (!samples.insert(sample).second) throw invalid_file("sample \"" + sample + "\" was seen by both statistics");
  for (const auto& [tensor, statistics] : other.tensors) tensors[tensor].merge(statistics);
}

/// One tensor a line, each turned into text on its own: the whole as one document would cost many times its size.
std::string Stats::to_json() const {
  std::string text = "{\n\"format\": \"qtool.stats\",\n\"version\": " + std::to_string(kVersion) + ",\n\"model\": " + Json(model).dump();
  text += ",\n\"samples\": " + Json(samples).dump(-1, ' ', false, Json::error_handler_t::replace) + ",\n\"tensors\": {";
  const char* separator = "\n";
  for (const auto& [tensor, statistics] : tensors) {
    text += separator + Json(tensor).dump(-1, ' ', false, Json::error_handler_t::replace) + ": " + statistics.to_json().dump();
    separator = ",\n";
  }
  return text + "\n}\n}\n";
}

Stats Stats::parse(std::string_view text, const std::string& source) {
  return with_frame(source, [&] {
    const Json json = read_document(text);
    Stats stats;
    try {
      stats.model = json.at("model").get<std::string>();
      stats.samples = json.at("samples").get<std::set<std::string>>();
      for (const auto& [tensor, statistics] : json.at("tensors").items())
        with_frame("/tensors/" + tensor, [&] { stats.tensors[tensor] = TensorStatistics::from_json(statistics); });
    } catch (const Json::exception& error) {
      throw invalid_file(error.what());
    }
    return stats;
  });
}

}  // namespace qtool
