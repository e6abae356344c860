#pragma once
// The values of a graph while it runs, by slot, in each layout somebody asked for.

#include <unordered_map>

#include "exec/plan/plan_graph.h"

namespace qtool {

class Frame {
 public:
  explicit Frame(const PlanGraph& graph) : slots_(graph.slots.size()), pointers(graph.most_inputs), made(graph.most_outputs) {}

  void set(int slot, Array array) {
    Slot& held = slots_[static_cast<size_t>(slot)];
    held.native = array.layout;
    held.arrays[index(array.layout)] = std::move(array);
  }
  /// As it was made.
  const Array& native(int slot) const { return slots_[static_cast<size_t>(slot)].arrays[index(slots_[static_cast<size_t>(slot)].native)]; }
  bool has(int slot, Layout layout) const { return slots_[static_cast<size_t>(slot)].arrays[index(layout)].tensor.defined(); }
  /// In `layout` (ranks below 3: plain); made by reordering once, then kept as long as the value lives.
  const Array& in(int slot, Layout layout, BufferPool& pool, double* reorder_us);
  void drop(int slot) {
    Slot& held = slots_[static_cast<size_t>(slot)];
    held.arrays[0].tensor = held.arrays[1].tensor = Tensor();
  }
  void clear() {
    for (size_t slot = 0; slot < slots_.size(); ++slot) drop(static_cast<int>(slot));
  }

 private:
  struct Slot {
    Array arrays[2];
    Layout native = Layout::plain;
  };
  static size_t index(Layout layout) { return layout == Layout::plain ? 0 : 1; }
  std::vector<Slot> slots_;

 public:
  std::vector<const Array*> pointers;  ///< of the step that runs
  std::vector<Array> made;             ///< by the step that runs
};

}  // namespace qtool
