// What the NEON variants of gemm share: the walk over panels and rows, and the way from accumulators to the output. Compiled once a
// level; a level brings `struct Level` with
//   static constexpr size_t kMostRows     8, 4 or 2: its tiles take that many rows, and 4, 2, 1
//   static size_t whole(size_t depth)     how much of the depth its assembly takes
//   template <size_t kRows, bool kPlain> static void tile(const Strip&, const Place&, const GemmArgs&, int32x4_t (&acc)[2 * kRows])
// acc[2 r], acc[2 r + 1] are columns 0-3 and 4-7 of row r, with start.
#include <arm_neon.h>

#include <algorithm>
#include <cstring>

#include "kernels/elementwise/table_neon.inl"
#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

/// What tiles of a panel share, in the order the assembly reads it.
struct Strip {
  size_t step;  ///< bytes between the offsets of two taps
  const int8_t* b;
  const int32_t* start;
  size_t taps;
  size_t depth;  ///< what the assembly does of it: whole units
  size_t skip;   ///< bytes of b behind these, of every tap
};

/// Where a tile's rows are: a, and the offsets of the first tap.
struct Place {
  const int8_t* a;
  const ptrdiff_t* offsets;
};

constexpr size_t kColumns = 8;

QTOOL_INLINE const int8_t* row_of(const Strip& strip, const Place& place, size_t t, size_t r) {
  return place.a + reinterpret_cast<const ptrdiff_t*>(reinterpret_cast<const char*>(place.offsets) + t * strip.step)[r];
}

/// The first n <= 8 bytes at `from`, zeros behind.
QTOOL_INLINE uint64_t few_bytes(const int8_t* from, size_t n) {
  uint64_t bytes = 0;
  for (size_t i = n; i-- > 0;) bytes = bytes << 8 | static_cast<uint8_t>(from[i]);
  return bytes;
}

template <class Tails, size_t kRows>
__attribute__((noinline)) void add_tails(const Strip& strip, const Place& place, size_t rest, int32x4_t* acc) {
  Tails::template add<kRows>(strip, place, rest, acc);
}
/// The last `rest` codes of every tap, seldom there: by way of memory, so that the usual accumulators stay in registers.
template <class Tails, size_t kRows>
QTOOL_INLINE void add_out_of_line(const Strip& strip, Place place, size_t rest, int32x4_t (&acc)[2 * kRows]) {
  int32x4_t copy[2 * kRows];
  for (size_t r = 0; r < 2 * kRows; ++r) copy[r] = acc[r];
  add_tails<Tails, kRows>(strip, place, rest, copy);
  for (size_t r = 0; r < 2 * kRows; ++r) acc[r] = copy[r];
}

/// What a panel's results become: codes of all its columns without row_start or a depth the assembly leaves some of, the common case,
/// bounded by their type alone or by less; or anything else.
enum class Path { full_range, full_codes, other };

QTOOL_INLINE bool has_full_range(const GemmArgs& args) { return args.hi - args.lo == 255; }

/// From accumulators to the output. Codes are kept as s8 until the end: those of u8 are 128 lower.
template <bool kShifted, Path kPath>
struct Finish {
  static constexpr bool kPlain = kPath != Path::other;

  Finish(const GemmArgs& args, size_t n)
      : form(args.form),
        columns(args.packing.n - n < kColumns ? args.packing.n - n : kColumns),
        stride(args.out_stride),
        row_bytes(args.form == GemmForm::codes ? stride : 4 * stride),
        out(static_cast<uint8_t*>(args.out) + n * (args.form == GemmForm::codes ? 1 : 4)) {
    const int base = args.hi > 127 ? 128 : 0;
    zero_point = vdupq_n_s16(static_cast<int16_t>(args.out_zero_point - base));
    lo = vdupq_n_s8(static_cast<int8_t>(args.lo - base)), hi = vdupq_n_s8(static_cast<int8_t>(args.hi - base));
    flip = vdupq_n_u8(static_cast<uint8_t>(base));
    if (args.form == GemmForm::sums) return;
    for (size_t h = 0; h < 2; ++h) {
      scale[h] = vld1q_f32(args.scale + n + 4 * h);
      if (kShifted) shift[h] = vld1q_f32(args.shift + n + 4 * h);
    }
  }

  QTOOL_INLINE float32x4_t real(int32x4_t acc, size_t half) const {
    const float32x4_t x = vcvtq_f32_s32(acc);
    return kShifted ? vfmaq_f32(shift[half], x, scale[half]) : vmulq_f32(x, scale[half]);
  }
  QTOOL_INLINE int16x8_t steps(const int32x4_t* row) const {
    const int16x4_t low = vqmovn_s32(vcvtnq_s32_f32(real(row[0], 0)));
    return vqaddq_s16(vqmovn_high_s32(low, vcvtnq_s32_f32(real(row[1], 1))), zero_point);
  }
  QTOOL_INLINE uint8x16_t codes(int8x16_t x) const {
    if (kPath != Path::full_range) x = vminq_s8(vmaxq_s8(x, lo), hi);
    return veorq_u8(vreinterpretq_u8_s8(x), flip);
  }

  QTOOL_INLINE void put(uint8_t* to, uint8x8_t x) const {
    if (kPlain || columns == kColumns) return vst1_u8(to, x);
    uint8_t few[kColumns];
    vst1_u8(few, x);
    std::memcpy(to, few, columns);
  }
  QTOOL_INLINE void put(uint8_t* to, int32x4_t low, int32x4_t high) const {
    int32_t few[kColumns];
    vst1q_s32(few, low);
    vst1q_s32(few + 4, high);
    std::memcpy(to, few, columns * sizeof(int32_t));
  }

  template <size_t kRows>
  QTOOL_INLINE void store_codes(const int32x4_t* acc, uint8_t* to) const {
    if constexpr (kRows == 1) {
      put(to, vget_low_u8(codes(vcombine_s8(vqmovn_s16(steps(acc)), vdup_n_s8(0)))));
    } else {
      for (size_t r = 0; r < kRows; r += 2, to += 2 * stride) {
        const uint8x16_t two = codes(vqmovn_high_s16(vqmovn_s16(steps(acc + 2 * r)), steps(acc + 2 * r + 2)));
        put(to, vget_low_u8(two));
        put(to + stride, vget_high_u8(two));
      }
    }
  }

  template <size_t kRows>
  QTOOL_INLINE void store_wide(const int32x4_t* acc, uint8_t* to) const {
    for (size_t r = 0; r < kRows; ++r) {
      const auto value = [&](size_t h) {
        return form == GemmForm::floats ? vreinterpretq_s32_f32(real(acc[2 * r + h], h)) : acc[2 * r + h];
      };
      put(to + r * stride * sizeof(int32_t), value(0), value(1));
    }
  }

  QTOOL_INLINE uint8_t* row(size_t i) const { return out + i * row_bytes; }

  /// Rows from `to` on.
  template <size_t kRows>
  QTOOL_INLINE void store(const int32x4_t* acc, uint8_t* to) const {
    kPlain || form == GemmForm::codes ? store_codes<kRows>(acc, to) : store_wide<kRows>(acc, to);
  }

  GemmForm form;
  size_t columns, stride, row_bytes;
  uint8_t* out;
  int16x8_t zero_point;
  int8x16_t lo, hi;
  uint8x16_t flip;
  float32x4_t scale[2], shift[2];
};

template <size_t kRows>
QTOOL_INLINE void add_row_start(const int32_t* row_start, size_t i, int32x4_t (&acc)[2 * kRows]) {
  if (!row_start) return;
  for (size_t r = 0; r < 2 * kRows; ++r) acc[r] = vaddq_s32(acc[r], vdupq_n_s32(row_start[i + r / 2]));
}

/// Where rows begin; a copy, as stores to out may not seem to change it. Rows of a matrix have offsets too, always the same.
struct Walk {
  Walk(const GemmArgs& args, const ptrdiff_t* dense)
      : a(args.a),
        offsets(args.offsets ? args.offsets : dense),
        row_bytes(args.offsets ? 0 : args.a_stride),
        row_offsets(args.offsets ? 1 : 0),
        m(args.m),
        row_start(args.row_start) {}
  QTOOL_INLINE Place at(size_t i) const { return {a + i * row_bytes, offsets + i * row_offsets}; }
  template <size_t kRows>
  QTOOL_INLINE void next(Place& place) const {
    place.a += kRows * row_bytes, place.offsets += kRows * row_offsets;
  }
  const int8_t* a;
  const ptrdiff_t* offsets;
  size_t row_bytes, row_offsets, m;
  const int32_t* row_start;
};

/// Tiles of kRows rows of a panel for as long as they fit; returns the row behind.
template <class Level, size_t kRows, class Finish>
QTOOL_INLINE size_t rows_of(const GemmArgs& args, const Walk& walk, const Strip& strip, const Finish& finish, size_t i) {
  Place place = walk.at(i);
  uint8_t* to = finish.row(i);
  for (; i + kRows <= walk.m; i += kRows, to += kRows * finish.row_bytes, walk.next<kRows>(place)) {
    int32x4_t acc[2 * kRows];
    Level::template tile<kRows, Finish::kPlain>(strip, place, args, acc);
    if constexpr (!Finish::kPlain) add_row_start<kRows>(walk.row_start, i, acc);
    finish.template store<kRows>(acc, to);
  }
  return i;
}

/// Panels of columns begin .. end - 1, rows from `from` on.
template <class Level, bool kShifted, Path kPath>
__attribute__((noinline)) void panels_by(const GemmArgs& args, const ptrdiff_t* dense, Strip strip, size_t from, size_t begin, size_t end) {
  const Walk walk(args, dense);
  const size_t size = args.packing.panel_size();
  strip.b = args.b + begin / kColumns * size;
  for (size_t n = begin; n < end; n += kColumns, strip.b += size) {
    const Finish<kShifted, kPath> finish(args, n);
    strip.start = args.start + n;
    size_t i = from;
    if constexpr (Level::kMostRows >= 8) i = rows_of<Level, 8>(args, walk, strip, finish, i);
    if constexpr (Level::kMostRows >= 4) i = rows_of<Level, 4>(args, walk, strip, finish, i);
    i = rows_of<Level, 2>(args, walk, strip, finish, i);
    rows_of<Level, 1>(args, walk, strip, finish, i);
  }
}

/// Offsets of eight rows of a matrix, and the strip of the whole call, `whole` of its depth in assembly.
struct Source {
  Source(const GemmArgs& args, size_t whole) {
    for (size_t r = 0; r < 8; ++r) dense[r] = static_cast<ptrdiff_t>(r * args.a_stride);
    const size_t skip = (args.packing.padded_depth() - whole) * kColumns;
    strip = {args.offsets_step * sizeof(ptrdiff_t), args.b, args.start, args.packing.taps, whole, skip};
  }
  ptrdiff_t dense[8];
  Strip strip;
};

/// What of columns begin .. end - 1 takes the short path: none, or whole panels from the first on.
QTOOL_INLINE size_t short_path(const GemmArgs& args, const Strip& strip, size_t begin, size_t end) {
  const bool plain = args.form == GemmForm::codes && !args.row_start && strip.skip == 0;
  return plain ? std::max(begin, std::min(end, args.packing.n / kColumns * kColumns)) : begin;
}

template <class Level, bool kShifted>
void panels(const GemmArgs& args, const Source& source, size_t from, size_t begin, size_t end) {
  const size_t middle = short_path(args, source.strip, begin, end);
  auto* const plain = has_full_range(args) ? panels_by<Level, kShifted, Path::full_range> : panels_by<Level, kShifted, Path::full_codes>;
  if (begin < middle) plain(args, source.dense, source.strip, from, begin, middle);
  if (middle < end) panels_by<Level, kShifted, Path::other>(args, source.dense, source.strip, from, middle, end);
}

[[maybe_unused]] void look_up_rows(const GemmArgs& args) {
  if (!args.table || args.form != GemmForm::codes) return;
  const Table table(args.table);
  auto* out = static_cast<uint8_t*>(args.out);
  for (size_t i = 0; i < args.m; ++i) table.map(out + i * args.out_stride, out + i * args.out_stride, args.packing.n);
}

template <class Level, bool kShifted>
void all_panels(const GemmArgs& args) {
  const Source source(args, Level::whole(args.packing.depth));
  panels<Level, kShifted>(args, source, 0, 0, args.packing.n);
}

/// Copies n bytes, reading and writing nothing else. kAtLeast: 1, 8 or 16, what n is known to be.
template <size_t kAtLeast>
QTOOL_INLINE void copy_bytes(const int8_t* from, int8_t* to, size_t n) {
  if constexpr (kAtLeast == 1) {
    for (size_t i = 0; i < n; ++i) to[i] = from[i];
  } else if constexpr (kAtLeast == 8) {
    const int8x8_t head = vld1_s8(from), tail = vld1_s8(from + n - 8);
    vst1_s8(to, head);
    vst1_s8(to + n - 8, tail);
  } else {
    for (size_t i = 0; i + 16 < n; i += 16) vst1q_s8(to + i, vld1q_s8(from + i));
    vst1q_s8(to + n - 16, vld1q_s8(from + n - 16));
  }
}

/// Copies n bytes, 8 to 16, from a + offsets[r] to to + r * step, for r < m: as two overlapping eights.
QTOOL_INLINE void copy_eights(const int8_t* a, const ptrdiff_t* offsets, size_t m, int8_t* to, size_t step, size_t n) {
  if (m == 0) return;
  const int8_t* a_tail = a + n - 8;
  int8_t* to_tail = to + n - 8;
#define QTOOL_COPY_EIGHTS                                                                              \
  "ldr x9, [%[offsets]], #8\n ldr d0, [%[a], x9]\n ldr d1, [%[a_tail], x9]\n st1 {v0.8b}, [%[to]], %[step]\n" \
  "st1 {v1.8b}, [%[to_tail]], %[step]\n"
  asm volatile("tbz %[m], #0, 1f\n" QTOOL_COPY_EIGHTS "subs %[m], %[m], #1\n b.eq 2f\n"
               "1:\n" QTOOL_COPY_EIGHTS QTOOL_COPY_EIGHTS "subs %[m], %[m], #2\n b.ne 1b\n2:\n"
               : [offsets] "+r"(offsets), [m] "+r"(m), [to] "+r"(to), [to_tail] "+r"(to_tail)
               : [a] "r"(a), [a_tail] "r"(a_tail), [step] "r"(step)
               : "x9", "v0", "v1", "cc", "memory");
#undef QTOOL_COPY_EIGHTS
}

/// Rows gathered at a time: as many as fit kGathered bytes, no more than whose taps' offsets have a place.
constexpr size_t kGathered = 16384, kMostTaps = 64, kMostRowsGathered = 64, kMostRowsJoined = 256;

/// Rows in pieces, or whose depth is no multiple of what the assembly takes, gathered to ones padded as b is: then it takes all of them.
struct Gathered {
  explicit Gathered(const GemmArgs& all)
      : args(all),
        depth(all.packing.depth / all.pieces),
        padded(all.pieces > 1 ? depth : all.packing.padded_depth()),
        taps(all.packing.taps * all.pieces),
        width(all.packing.taps * all.packing.padded_depth()) {
    const GemmTile& tile = all.packing.tile;
    joined = all.packing.taps == 1 || tile.kr == tile.unit || padded % tile.kr == 0;
    rows = std::min(joined ? kMostRowsJoined : kMostRowsGathered, kGathered / std::max<size_t>(width, 1) / 8 * 8);
  }
  bool applies() const { return (args.pieces > 1 || depth != padded) && rows > 0 && (joined || taps <= kMostTaps); }

  /// The product of all rows; `product` is that of rows as the assembly takes them.
  template <class Product>
  void run(Product product) const {
    int8_t bytes[kGathered];
    ptrdiff_t offsets[kMostTaps * kMostRowsGathered];
    GemmArgs part = args;
    part.pieces = 1, part.packing.taps = joined ? 1 : taps, part.packing.depth = joined ? width : padded;
    part.a = bytes, part.a_stride = width, part.offsets = joined ? nullptr : offsets, part.offsets_step = kMostRowsGathered;
    if (!joined)
      for (size_t t = 0; t < taps; ++t)
        for (size_t r = 0; r < rows; ++r) offsets[t * kMostRowsGathered + r] = static_cast<ptrdiff_t>(r * width + t * padded);
    std::memset(bytes, 0, std::min(rows, args.m) * width);  // what stays between meets zeros of b
    for (size_t i = 0; i < args.m; i += rows) {
      part.m = std::min(rows, args.m - i);
      for (size_t t = 0; t < taps; ++t) gather(i, t, part.m, bytes + t * padded);
      part.row_start = args.row_start ? args.row_start + i : nullptr;
      part.out = static_cast<uint8_t*>(args.out) + i * args.out_stride * (args.form == GemmForm::codes ? 1 : 4);
      product(part);
    }
  }

  void gather(size_t i, size_t t, size_t m, int8_t* to) const {
    if (depth < 8) return copy_rows<1>(i, t, m, to);
    depth < 16 ? copy_rows<8>(i, t, m, to) : copy_rows<16>(i, t, m, to);
  }

  template <size_t kAtLeast>
  void copy_rows(size_t i, size_t t, size_t m, int8_t* to) const {
    const size_t n = depth, step = width, stride = args.a_stride;
    if (args.offsets) {
      const ptrdiff_t* offsets = args.offsets + t * args.offsets_step + i;
      const int8_t* a = args.a;
      if constexpr (kAtLeast == 8) return copy_eights(a, offsets, m, to, step, n);
      for (size_t r = 0; r < m; ++r) copy_bytes<kAtLeast>(a + offsets[r], to + r * step, n);
    } else {
      const int8_t* a = args.a + i * stride;
      for (size_t r = 0; r < m; ++r) copy_bytes<kAtLeast>(a + r * stride, to + r * step, n);
    }
  }

  const GemmArgs& args;
  size_t depth, padded, taps, width, rows;
  bool joined;
};

/// `product` of args, by way of gathered rows where that serves.
template <class Product>
void with_gathering(const GemmArgs& args, Product product) {
  const Gathered gathered(args);
  gathered.applies() ? gathered.run(product) : product(args);
  look_up_rows(args);
}

template <class Level>
void gemm_with(const GemmArgs& args) {
  with_gathering(args, [](const GemmArgs& part) { part.shift ? all_panels<Level, true>(part) : all_panels<Level, false>(part); });
}

}  // namespace
}  // namespace qtool::kernels
