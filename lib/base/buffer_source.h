#pragma once
// Where large heap buffers of a thread come from while something that reuses memory is running.

#include "base/buffer.h"

namespace qtool {

class BufferSource {
 public:
  virtual ~BufferSource() = default;
  /// A writable buffer of at least `bytes` that nobody else holds.
  virtual std::shared_ptr<Buffer> take(size_t bytes) = 0;
};

/// While it lives, Buffer::allocate in this thread takes large buffers from `source` (null: from the heap). Scopes nest.
class BufferScope {
 public:
  explicit BufferScope(BufferSource* source);
  BufferScope(const BufferScope&) = delete;
  BufferScope& operator=(const BufferScope&) = delete;
  ~BufferScope();

 private:
  BufferSource* before_;
};

}  // namespace qtool
