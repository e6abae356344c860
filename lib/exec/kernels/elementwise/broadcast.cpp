#include "exec/kernels/elementwise/broadcast.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "exec/kernels/parallel.h"

namespace qtool::lowerings {
namespace {

constexpr int64_t kLongRow = 4096;  ///< elements; rows shorter than a quarter of this are tiled

/// Steps of each logical dimension.
Shape steps_of(const Shape& shape, Layout layout) {
  if (layout == Layout::plain || shape.size() < 3) return strides_of(shape);
  Shape steps(shape.size(), 1);
  int64_t step = shape[1];
  for (size_t d = shape.size(); d-- > 2; step *= shape[d]) steps[d] = step;
  steps[0] = step;
  return steps;
}

/// Steps of an operand along the output's dimensions: 0 where it repeats.
Shape broadcast_steps(const Strided& operand, size_t rank) {
  const Shape own = steps_of(operand.shape, operand.layout);
  Shape steps(rank, 0);
  for (size_t d = 0; d < own.size(); ++d)
    if (operand.shape[d] != 1) steps[rank - own.size() + d] = own[d];
  return steps;
}

/// The output's dimensions from outermost to innermost in memory.
std::vector<size_t> memory_order(size_t rank, Layout layout) {
  std::vector<size_t> order;
  for (size_t d = 0; d < rank; ++d)
    if (layout == Layout::plain || rank < 3 || d != 1) order.push_back(d);
  if (order.size() < rank) order.push_back(1);
  return order;
}

struct Dimension {
  int64_t size, a, b;
};

/// Drops dimensions of size 1 and joins neighbours that both operands walk evenly.
std::vector<Dimension> joined(const std::vector<Dimension>& dimensions) {
  std::vector<Dimension> result;
  for (const Dimension& d : dimensions) {
    if (d.size == 1) continue;
    if (!result.empty() && result.back().a == d.a * d.size && result.back().b == d.b * d.size)
      result.back() = {result.back().size * d.size, d.a, d.b};
    else
      result.push_back(d);
  }
  return result;
}

/// Repeats the rows of a short operand until they are long enough; holds the copy.
class Tile {
 public:
  /// `times` rows of n elements from `row` on.
  const std::byte* repeat(const std::byte* row, size_t bytes, int64_t times) {
    if (row == source_ && copy_.size() == bytes * static_cast<size_t>(times)) return copy_.data();
    source_ = row;
    copy_.resize(bytes * static_cast<size_t>(times));
    for (int64_t t = 0; t < times; ++t) std::memcpy(copy_.data() + static_cast<size_t>(t) * bytes, row, bytes);
    return copy_.data();
  }

 private:
  const std::byte* source_ = nullptr;
  std::vector<std::byte> copy_;
};

class Walker {
 public:
  Walker(const Walk& walk, size_t width, const std::function<void(const RowPointers&)>& body) : walk_(walk), width_(width), body_(body) {
    if (!walk.sizes.empty() && walk.n * 4 <= kLongRow) choose_tiles();
  }

  void run(const std::byte* a, const std::byte* b, std::byte* out) { level(0, a, b, out); }

 private:
  /// Rows of the innermost outer loop can be joined where one operand is dense over it and the other repeats.
  void choose_tiles() {
    const int64_t a = walk_.a_steps.back(), b = walk_.b_steps.back();
    const bool a_dense = walk_.a_step == 1 && a == walk_.n, b_dense = walk_.b_step == 1 && b == walk_.n;
    const bool a_repeats = walk_.a_step == 1 && a == 0, b_repeats = walk_.b_step == 1 && b == 0;
    if (!(a_dense && b_repeats) && !(b_dense && a_repeats)) return;
    tiles_a_ = a_repeats;
    tiles_ = std::min(walk_.sizes.back(), std::max<int64_t>(1, kLongRow / walk_.n));
  }

  void level(size_t depth, const std::byte* a, const std::byte* b, std::byte* out) {
    if (tiles_ > 1 && depth + 1 == walk_.sizes.size()) return tiled(a, b, out);
    if (depth == walk_.sizes.size()) return body_({a, b, out, static_cast<size_t>(walk_.n), walk_.a_step == 0, walk_.b_step == 0});
    for (int64_t i = 0; i < walk_.sizes[depth]; ++i)
      level(depth + 1, a + bytes(i * walk_.a_steps[depth]), b + bytes(i * walk_.b_steps[depth]), out + bytes(i * walk_.out_steps[depth]));
  }

  void tiled(const std::byte* a, const std::byte* b, std::byte* out) {
    const std::byte* repeated = tile_.repeat(tiles_a_ ? a : b, bytes(walk_.n), tiles_);
    for (int64_t i = 0; i < walk_.sizes.back(); i += tiles_) {
      const int64_t n = std::min(tiles_, walk_.sizes.back() - i) * walk_.n, at = i * walk_.n;
      body_({tiles_a_ ? repeated : a + bytes(at), tiles_a_ ? b + bytes(at) : repeated, out + bytes(at), static_cast<size_t>(n), false,
             false});
    }
  }

  size_t bytes(int64_t elements) const { return static_cast<size_t>(elements) * width_; }

  const Walk& walk_;
  const size_t width_;
  const std::function<void(const RowPointers&)>& body_;
  int64_t tiles_ = 1;
  bool tiles_a_ = false;
  Tile tile_;
};

constexpr int64_t kPiece = 64;  ///< elements: rows are cut at multiples

/// Part of a walk, and where its operands begin (elements).
struct Part {
  Walk walk;
  int64_t a, b, out;
};

Part part_of_row(const Walk& walk, int64_t first, int64_t last) {
  Part part{walk, first * walk.a_step, first * walk.b_step, first};
  part.walk.n = last - first;
  return part;
}

Part part_of_loop(const Walk& walk, int64_t first, int64_t last) {
  Part part{walk, first * walk.a_steps[0], first * walk.b_steps[0], first * walk.out_steps[0]};
  part.walk.sizes[0] = last - first;
  return part;
}

}  // namespace

Walk plan_walk(const Strided& a, const Strided& b, const Shape& out, Layout layout) {
  const Shape a_steps = broadcast_steps(a, out.size()), b_steps = broadcast_steps(b, out.size());
  std::vector<Dimension> dimensions;
  for (const size_t d : memory_order(out.size(), layout)) dimensions.push_back({out[d], a_steps[d], b_steps[d]});
  dimensions = joined(dimensions);
  Walk walk;
  if (dimensions.empty()) return walk;
  const Dimension& last = dimensions.back();
  if (last.a > 1 || last.b > 1) throw CannotRun("an operand lies across the rows of the output");
  walk.n = last.size, walk.a_step = last.a, walk.b_step = last.b;
  int64_t step = walk.n;
  walk.out_steps.resize(dimensions.size() - 1);
  for (size_t d = dimensions.size() - 1; d-- > 0; step *= dimensions[d].size) walk.out_steps[d] = step;
  for (size_t d = 0; d + 1 < dimensions.size(); ++d) {
    walk.sizes.push_back(dimensions[d].size);
    walk.a_steps.push_back(dimensions[d].a);
    walk.b_steps.push_back(dimensions[d].b);
  }
  return walk;
}

void for_each_row(const Walk& walk, const std::byte* a, const std::byte* b, std::byte* out, size_t width, int threads,
                  const std::function<void(const RowPointers&)>& body) {
  const bool one_row = walk.sizes.empty();
  const int64_t outer = one_row ? 1 : walk.sizes[0], inner = product(walk.sizes, one_row ? 0 : 1, walk.sizes.size()) * walk.n;
  const int64_t bytes = 3 * outer * inner * static_cast<int64_t>(width);
  in_parts(threads, one_row ? (walk.n + kPiece - 1) / kPiece : outer, bytes, [&](int64_t first, int64_t last) {
    const Part part = one_row ? part_of_row(walk, first * kPiece, std::min(walk.n, last * kPiece)) : part_of_loop(walk, first, last);
    const auto at = [&](int64_t elements) { return static_cast<size_t>(elements) * width; };
    Walker(part.walk, width, body).run(a + at(part.a), b + at(part.b), out + at(part.out));
  });
}

}  // namespace qtool::lowerings
