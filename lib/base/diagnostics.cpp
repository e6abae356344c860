#include "base/diagnostics.h"

#include <algorithm>

namespace qtool {

void Diagnostics::warn(std::string kind, std::string subject, std::string message) {
  Diagnostic found{std::move(kind), std::move(subject), std::move(message)};
  std::lock_guard lock(mutex_);
  if (std::find(list_.begin(), list_.end(), found) == list_.end()) list_.push_back(std::move(found));
}

std::vector<Diagnostic> Diagnostics::all() const {
  std::lock_guard lock(mutex_);
  return list_;
}

}  // namespace qtool
