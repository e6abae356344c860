#pragma once
// What a step prepares for each input shape it meets.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace qtool::lowerings {

/// Keeps what was made for the newest few shapes. May be asked by several threads.
template <class T>
class ByShape {
 public:
  /// What `make(shape)` gave for this shape, the first time or now.
  template <class Make>
  std::shared_ptr<const T> get(const Shape& shape, const Make& make) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [known, made] : made_)
      if (known == shape) return made;
    auto made = std::make_shared<const T>(make(shape));
    if (made_.size() == kMost) made_.erase(made_.begin());
    made_.emplace_back(shape, std::move(made));
    return made_.back().second;
  }

 private:
  static constexpr size_t kMost = 8;
  std::mutex mutex_;
  std::vector<std::pair<Shape, std::shared_ptr<const T>>> made_;
};

}  // namespace qtool::lowerings
