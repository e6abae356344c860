#pragma once
// Labels of samples: a CSV file `file,label`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace qtool {

class Labels {
 public:
  /// RFC 4180 with the header line `file,label`; label is a class index from 0 on. Throws Error(invalid_file) naming `name` and the line:
  /// another header, a field too few or too many, a label that is no number, a file listed twice.
  static Labels parse(std::string_view csv, const std::string& name);
  static Labels load(const std::string& path);

  /// By the sample's id as it is written in the file; else by id and file without their extensions, where that is unambiguous.
  std::optional<int64_t> find(const std::string& id) const;
  size_t size() const { return by_file_.size(); }

 private:
  static constexpr int64_t kAmbiguous = -1;
  std::unordered_map<std::string, int64_t> by_file_, by_stem_;
};

}  // namespace qtool
