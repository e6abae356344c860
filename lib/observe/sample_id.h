#pragma once
// Names of samples, each kept once in the process, ordered naturally: "img2" before "img10".

#include <string>
#include <string_view>

#include "base/natural_order.h"

namespace qtool {

/// A handle to a sample's id; cheap to copy, equal handles are equal ids. Thread-safe; ids are never freed.
class SampleId {
 public:
  SampleId() = default;  ///< the id ""
  explicit SampleId(std::string_view id);
  const std::string& str() const;
  bool operator==(const SampleId&) const = default;
  bool operator<(const SampleId& other) const { return text_ != other.text_ && natural_less(str(), other.str()); }

 private:
  const std::string* text_ = nullptr;
};

}  // namespace qtool
