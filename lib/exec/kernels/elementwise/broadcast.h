#pragma once
// Two operands walked together, row by row, as their broadcast and their layouts ask.

#include <functional>

#include "exec/lowering.h"

namespace qtool::lowerings {

/// One operand: its shape and the order of its bytes.
struct Strided {
  Shape shape;
  Layout layout;
};

/// How to walk: outer loops around rows as long as the two operands allow.
struct Walk {
  Shape sizes;                        ///< outer loops, outermost first
  Shape a_steps, b_steps, out_steps;  ///< of the outer loops, elements
  int64_t n = 1;                      ///< length of a row
  int64_t a_step = 1, b_step = 1;     ///< within a row: 0 or 1
};

/// The output's shape is broadcast(a, b), ordered as `layout`. Throws CannotRun where an operand is neither dense nor constant along
/// the innermost dimension.
Walk plan_walk(const Strided& a, const Strided& b, const Shape& out, Layout layout);

/// Calls body for every row. `width` bytes an element: short rows of an operand that repeats over the next outer dimension are
/// copied side by side first, so that few long rows remain; body gets pointers, and is called by several threads where there is much.
struct RowPointers {
  const std::byte *a, *b;
  std::byte* out;
  size_t n;
  bool a_repeated, b_repeated;
};
void for_each_row(const Walk& walk, const std::byte* a, const std::byte* b, std::byte* out, size_t width, int threads,
                  const std::function<void(const RowPointers&)>& body);

}  // namespace qtool::lowerings
