#include "data/labels.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/output_file.h"

namespace qtool {
namespace {

constexpr size_t kLargestFile = size_t{1} << 30;

std::string stem(const std::string& file) { return std::filesystem::path(file).replace_extension().string(); }

/// Rows of fields; a quoted field may hold commas, line ends and doubled quotes.
class Csv {
 public:
  Csv(std::string_view text, std::string name) : left_(text), name_(std::move(name)) {
    if (left_.starts_with("\xef\xbb\xbf")) left_.remove_prefix(3);
  }

  /// The next row that is not empty, or nothing at the end.
  std::vector<std::string> row() {
    std::vector<std::string> fields;
    while (!left_.empty() && (fields.empty() || (fields.size() == 1 && fields[0].empty()))) {
      ++line_;
      fields.clear();
      do fields.push_back(field());
      while (accept(','));
      accept('\r');
      if (!accept('\n') && !left_.empty()) fail("a comma or the end of the line is missing after a quoted field");
    }
    return fields.size() == 1 && fields[0].empty() ? std::vector<std::string>{} : fields;
  }

  [[noreturn]] void fail(const std::string& what) const { throw invalid_file(name_ + ":" + std::to_string(line_) + ": " + what); }

 private:
  bool accept(char c) {
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::string field() {
    if (accept('"')) return quoted();
    const size_t end = std::min(left_.find_first_of(",\r\n"), left_.size());
    std::string text(left_.substr(0, end));
    left_.remove_prefix(end);
    return text;
  }

  std::string quoted() {
    std::string text;
    while (!left_.empty()) {
      const char c = left_[0];
      left_.remove_prefix(1);
      if (c == '"' && !accept('"')) return text;
      text += c;
    }
    fail("a quoted field does not end");
  }

  std::string_view left_;
  std::string name_;
  size_t line_ = 0;
};

int64_t parse_label(const Csv& csv, const std::string& text) {
  int64_t label = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (failure != std::errc() || end != text.data() + text.size() || label < 0)
    csv.fail("expected a class index of 0 or more, found \"" + text.substr(0, 40) + "\"");
  return label;
}

}  // namespace

Labels Labels::parse(std::string_view text, const std::string& name) {
  Csv csv(text, name);
  if (csv.row() != std::vector<std::string>{"file", "label"}) csv.fail("expected the header file,label");
  Labels labels;
  for (std::vector<std::string> row = csv.row(); !row.empty(); row = csv.row()) {
    if (row.size() != 2) csv.fail("expected 2 fields, found " + std::to_string(row.size()));
    const int64_t label = parse_label(csv, row[1]);
    if (!labels.by_file_.emplace(row[0], label).second) csv.fail("\"" + row[0].substr(0, 80) + "\" is listed twice");
    const auto [at, fresh] = labels.by_stem_.emplace(stem(row[0]), label);
    if (!fresh && at->second != label) at->second = kAmbiguous;
  }
  return labels;
}

Labels Labels::load(const std::string& path) { return parse(read_input(path, kLargestFile), path); }

std::optional<int64_t> Labels::find(const std::string& id) const {
  if (const auto at = by_file_.find(id); at != by_file_.end()) return at->second;
  const auto at = by_stem_.find(stem(id));
  return at == by_stem_.end() || at->second == kAmbiguous ? std::nullopt : std::optional(at->second);
}

}  // namespace qtool
