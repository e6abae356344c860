#pragma once
// What a command has to tell besides its result: a setting not applied, a node left float, a sample skipped. Libraries
// collect, cmd/ prints each once on stderr and repeats them under "warnings" in --json.

#include <mutex>
#include <string>
#include <vector>

namespace qtool {

struct Diagnostic {
  std::string kind;     ///< stable word for machines: "float", "sample_skipped", "unmatched_name", ...
  std::string subject;  ///< node, tensor, sample or JSON pointer
  std::string message;  ///< one line: what and why
  bool operator==(const Diagnostic&) const = default;
};

/// Thread-safe; an exact repetition is kept once; order is that of first arrival.
class Diagnostics {
 public:
  void warn(std::string kind, std::string subject, std::string message);
  std::vector<Diagnostic> all() const;
  bool empty() const { return all().empty(); }

 private:
  mutable std::mutex mutex_;
  std::vector<Diagnostic> list_;
};

}  // namespace qtool
