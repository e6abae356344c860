#include "exec/plan/frame.h"

#include <chrono>

#include "exec/plan/reorder.h"

namespace qtool {

const Array& Frame::in(int slot, Layout layout, BufferPool& pool, double* reorder_us) {
  Slot& held = slots_[static_cast<size_t>(slot)];
  const Array& native = held.arrays[index(held.native)];
  if (held.native == layout || native.tensor.rank() < 3) return native;
  Array& wanted = held.arrays[index(layout)];
  if (wanted.tensor.defined()) return wanted;
  const auto begin = std::chrono::steady_clock::now();
  wanted = reordered(native, layout, pool);
  if (reorder_us) *reorder_us += std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
  return wanted;
}

}  // namespace qtool
