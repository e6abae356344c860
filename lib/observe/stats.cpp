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

std::string Stats::to_json() const {
  Json json;
  json["format"] = "qtool.stats";
  json["version"] = kVersion;
  json["model"] = model;
  json["samples"] = samples;
  Json& list = json["tensors"] = Json::object();
  for (const auto& [tensor, statistics] : tensors) list[tensor] = statistics.to_json();
  std::string text = "{\n";
  for (auto at = json.begin(); at != json.end(); ++at) {
    text += Json(at.key()).dump() + ": ";
    if (at.key() == "tensors") {  // one tensor a line
      text += "{";
      const char* separator = "\n";
      for (auto row = at->begin(); row != at->end(); ++row, separator = ",\n")
        text += separator + Json(row.key()).dump() + ": " + row->dump();
      text += "\n}\n";
    } else {
      text += at->dump() + ",\n";
    }
  }
  return text + "}\n";
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
