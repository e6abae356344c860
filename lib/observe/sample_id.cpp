#include "observe/sample_id.h"

#include <mutex>
#include <set>

namespace qtool {

SampleId::SampleId(std::string_view id) {
  if (id.empty()) return;
  static std::mutex mutex;
  static auto& pool = *new std::set<std::string, std::less<>>;  // never freed: handles outlive every static
  const std::lock_guard lock(mutex);
  auto place = pool.find(id);
  if (place == pool.end()) place = pool.emplace(id).first;
  text_ = &*place;
}

const std::string& SampleId::str() const {
  static const std::string none;
  return text_ ? *text_ : none;
}

}  // namespace qtool
