// JSON text -> document, with the checks the parser leaves out.

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/cursor.h"

namespace qtool {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr int kMaxDepth = 64;

using Json = nlohmann::ordered_json;

/// Finds repeated keys, of which the parser keeps one silently.
class RepeatedKeys {
 public:
  RepeatedKeys(Mistakes& mistakes) : mistakes_(mistakes) {}

  bool operator()(int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) throw invalid_file(mistakes_.source() + ": nested deeper than " + std::to_string(kMaxDepth));
    if (event == Json::parse_event_t::object_start) objects_.emplace_back();
    if (event == Json::parse_event_t::object_end) objects_.pop_back();
    if (event == Json::parse_event_t::key && !objects_.back().insert(value.get<std::string>()).second)
      mistakes_.add("", "key \"" + value.get<std::string>() + "\" is there twice in one object");
    return true;
  }

 private:
  Mistakes& mistakes_;
  std::vector<std::set<std::string>> objects_;
};

/// The library's message without its prefix of class name and number.
std::string plain(const std::string& what) {
  const auto end = what.find("] ");
  return end == std::string::npos ? what : what.substr(end + 2);
}

}  // namespace

void Mistakes::add(const std::string& pointer, const std::string& message) {
  lines_.push_back(source_ + ": " + (pointer.empty() ? "" : pointer + ": ") + message);
}

void Mistakes::throw_if_any() const {
  if (lines_.empty()) return;
  std::string all;
  for (const std::string& line : lines_) all += (all.empty() ? "" : "\n") + line;
  throw invalid_file(all);
}

Json parse_document(std::string_view text, Mistakes& mistakes) {
  if (text.size() > kMaxBytes) throw invalid_file(mistakes.source() + ": larger than 64 MB");
  try {
    return Json::parse(text.begin(), text.end(), RepeatedKeys(mistakes));
  } catch (const Json::exception& error) {
    throw invalid_file(mistakes.source() + ": not JSON: " + plain(error.what()));
  }
}

}  // namespace qtool
