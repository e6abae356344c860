#include <algorithm>
#include <mutex>

#include "base/buffer_source.h"
#include "exec/lowering.h"

namespace qtool {

struct BufferPool::Store {
  std::mutex mutex;
  std::vector<std::shared_ptr<Buffer>> free;
  size_t held = 0;  ///< bytes of all buffers, free or not

  /// The smallest free buffer that is large enough; null when there is none.
  std::shared_ptr<Buffer> reuse(size_t bytes) {
    auto best = free.end();
    for (auto at = free.begin(); at != free.end(); ++at)
      if ((*at)->size() >= bytes && (best == free.end() || (*at)->size() < (*best)->size())) best = at;
    return best == free.end() ? nullptr : remove(best);
  }

  /// Buffers too small for what is needed make room for a larger one, so the pool settles on a few sizes.
  void drop_largest() {
    if (free.empty()) return;
    held -= remove(std::max_element(free.begin(), free.end(), [](const auto& a, const auto& b) { return a->size() < b->size(); }))->size();
  }

  std::shared_ptr<Buffer> remove(std::vector<std::shared_ptr<Buffer>>::iterator at) {
    std::shared_ptr<Buffer> taken = std::move(*at);
    *at = std::move(free.back());
    free.pop_back();
    return taken;
  }
};

BufferPool::BufferPool() : store_(std::make_shared<Store>()) {}

std::shared_ptr<Buffer> BufferPool::take(size_t bytes) {
  std::shared_ptr<Buffer> buffer;
  {
    const std::scoped_lock lock(store_->mutex);
    buffer = store_->reuse(bytes);
    if (!buffer) store_->drop_largest();
  }
  if (!buffer) {
    const BufferScope from_heap(nullptr);
    buffer = Buffer::allocate(bytes);
    const std::scoped_lock lock(store_->mutex);
    store_->held += bytes;
  }
  Buffer* lent = buffer.get();  // a count of holders of its own: the pool's own hold must not look like a second user
  return {lent, [store = store_, kept = std::move(buffer)](Buffer*) mutable {
            const std::scoped_lock lock(store->mutex);
            store->free.push_back(std::move(kept));
          }};
}

Tensor BufferPool::tensor(DType dtype, const Shape& shape) {
  const auto bytes = static_cast<size_t>(element_count(shape)) * element_size(dtype);
  return {dtype, shape, take(bytes)};
}

size_t BufferPool::bytes_held() const {
  const std::scoped_lock lock(store_->mutex);
  return store_->held;
}

}  // namespace qtool
