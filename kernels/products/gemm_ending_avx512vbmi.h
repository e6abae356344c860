#pragma once
// What becomes of a tile's sums: codes, codes of a sum with others, or words. One kind of ending a call, chosen once: what an ending asks
// for every row would stand between the products of one tile and those of the next.

#include <immintrin.h>

#include <cstring>

#include "kernels/elementwise/table_avx512vbmi.h"
#include "kernels/products/gemm.h"
#include "kernels/unroll.h"

namespace qtool::kernels {
namespace {

enum class Ends {
  codes,
  table,   ///< codes through a table
  second,  ///< codes of a sum with others, maybe through a table
  floats,
  sums,
};

inline Ends ends_of(const GemmArgs& args) {
  if (args.form != GemmForm::codes) return args.form == GemmForm::floats ? Ends::floats : Ends::sums;
  return args.second.other ? Ends::second : args.table ? Ends::table : Ends::codes;
}

/// From numbers below 2^30 to codes.
class ToCodes {
 public:
  QTOOL_INLINE ToCodes(int32_t zero_point, int32_t lo, int32_t hi)
      : zero_point_(_mm512_set1_epi32(zero_point)),
        lowest_(_mm512_set1_epi8(static_cast<char>(lo))),
        highest_(_mm512_set1_epi8(static_cast<char>(hi))),
        is_unsigned_(lo >= 0) {}

  /// 64 codes of four registers, in order. (Sums of 16 bits would take the place of products, those of 32 do not.)
  QTOOL_INLINE __m512i operator()(__m512i a, __m512i b, __m512i c, __m512i d) const {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i ab = _mm512_packs_epi32(_mm512_add_epi32(a, zero_point_), _mm512_add_epi32(b, zero_point_));
    const __m512i cd = _mm512_packs_epi32(_mm512_add_epi32(c, zero_point_), _mm512_add_epi32(d, zero_point_));
    const __m512i bytes = is_unsigned_ ? _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(ab, cd), lowest_), highest_)
                                       : _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(ab, cd), lowest_), highest_);
    return _mm512_permutexvar_epi32(order, bytes);
  }

 private:
  const __m512i zero_point_, lowest_, highest_;
  const bool is_unsigned_;
};

/// A GemmSecond.
class Second {
 public:
  QTOOL_INLINE explicit Second(const GemmArgs& args)
      : least_(_mm512_set1_ps(static_cast<float>(args.lo - args.out_zero_point))),
        most_(_mm512_set1_ps(static_cast<float>(args.hi - args.out_zero_point))),
        scale_(_mm512_set1_ps(args.second.scale)),
        other_scale_(_mm512_set1_ps(args.second.other_scale)),
        shift_(_mm512_set1_ps(args.second.shift)),
        flip_(_mm_set1_epi8(args.second.is_signed ? -128 : 0)) {}

  QTOOL_INLINE __m512 operator()(__m512 y, __m128i other) const {
    const __m512 rounded = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 code = _mm512_min_ps(_mm512_max_ps(rounded, least_), most_);
    const __m512 real = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_xor_si128(other, flip_)));
    return _mm512_fmadd_ps(code, scale_, _mm512_fmadd_ps(real, other_scale_, shift_));
  }

 private:
  const __m512 least_, most_, scale_, other_scale_, shift_;
  const __m128i flip_;
};

/// The first BYTES of a register, a multiple of 8.
template <size_t BYTES>
QTOOL_INLINE void store_bytes(uint8_t* out, __m512i bytes) {
  if constexpr (BYTES == 64) {
    _mm512_storeu_si512(out, bytes);
  } else if constexpr (BYTES >= 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(bytes));
    store_bytes<BYTES - 32>(out + 32, _mm512_castsi256_si512(_mm512_extracti64x4_epi64(bytes, 1)));
  } else if constexpr (BYTES >= 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(bytes));
    store_bytes<BYTES - 16>(out + 16, _mm512_castsi128_si512(_mm512_extracti32x4_epi32(bytes, 1)));
  } else if constexpr (BYTES == 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(bytes));
  }
}

/// Up to 63 bytes. (Masked stores of bytes take many times as long as others.)
QTOOL_INLINE void copy_some(const uint8_t* from, uint8_t* to, size_t count) {
  repeat<6>(QTOOL_EACH(i) {
    constexpr size_t kBytes = size_t{32} >> i;
    if (!(count & kBytes)) return;
    std::memcpy(to, from, kBytes);
    from += kBytes, to += kBytes;
  });
}

/// MR rows from `row` on times NV registers of columns from `panel` on, the last one half (LAST_HALF).
template <int MR, int NV, bool LAST_HALF>
class Ending {
 public:
  using Sums = __m512i[MR][NV];

  QTOOL_INLINE Ending(const GemmArgs& args, size_t row, size_t panel)
      : args_(args), row_(row), column_(panel * 16), columns_(args.packing.n - column_ < NV * 16 ? args.packing.n - column_ : NV * 16) {}

  template <Ends ENDS>
  QTOOL_INLINE void run(Sums& sums) const {
    if constexpr (ENDS == Ends::floats) scale_all(sums);
    if constexpr (ENDS == Ends::floats || ENDS == Ends::sums)
      put_words(sums);
    else
      put_codes<ENDS>(sums);
  }

 private:
  static constexpr size_t kColumns = NV * 16 - (LAST_HALF ? 8 : 0);
  static constexpr int kAtOnce = NV == 1 ? (MR < 4 ? MR : 4) : NV == 2 ? (MR < 2 ? MR : 2) : 1;  ///< rows that fill a register

  /// Where the rows begin in a matrix.
  struct Places {
    size_t at[MR];
    QTOOL_INLINE Places(const Ending& tile, size_t stride) {
      const ptrdiff_t* places = tile.args_.places;
      if (places)
        repeat<MR>(QTOOL_EACH(i) { at[i] = static_cast<size_t>(places[tile.row_ + i]) + tile.column_; });
      else
        repeat<MR>(QTOOL_EACH(i) { at[i] = (tile.row_ + i) * stride + tile.column_; });
    }
  };

  /// Calls body(i, v, y), column by column: their scales stay in registers.
  template <class Body>
  QTOOL_INLINE void for_each(const Sums& sums, const Body& body) const {
    alignas(64) static constexpr float kNone[16] = {};
    const bool shifted = args_.shift != nullptr;
    const float* shifts = shifted ? args_.shift + column_ : kNone;
    repeat<NV>(QTOOL_EACH(v) {
      const __m512 scale = _mm512_loadu_ps(args_.scale + column_ + v * 16), shift = _mm512_loadu_ps(shifts + v * 16 * shifted);
      repeat<MR>(QTOOL_EACH(i) { body(i, v, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[i][v]), scale, shift)); });
    });
  }

  QTOOL_INLINE void scale_all(Sums& sums) const {
    for_each(
        sums, [&](auto i, auto v, __m512 y) __attribute__((always_inline)) { sums[i][v] = _mm512_castps_si512(y); });
  }

  QTOOL_INLINE void round(Sums& sums) const {
    for_each(
        sums, [&](auto i, auto v, __m512 y) __attribute__((always_inline)) { sums[i][v] = _mm512_cvtps_epi32(y); });
  }

  template <bool WHOLE>
  QTOOL_INLINE void round_with_second(Sums& sums) const {
    const Second second(args_);
    const Places places(*this, args_.second.stride);
    const uint8_t* other = args_.second.other;
    for_each(
        sums, [&](auto i, auto v, __m512 y)
                  __attribute__((always_inline)) { sums[i][v] = _mm512_cvtps_epi32(second(y, sixteen<WHOLE, v>(other + places.at[i]))); });
  }

  /// Of a row of others; zeros beyond the last column.
  template <bool WHOLE, int V>
  QTOOL_INLINE __m128i sixteen(const uint8_t* row) const {
    const auto* from = reinterpret_cast<const __m128i*>(row + V * 16);
    if constexpr (!WHOLE) return _mm_maskz_loadu_epi8(mask(V), from);
    if constexpr (LAST_HALF && V == NV - 1) return _mm_loadl_epi64(from);
    return _mm_loadu_si128(from);
  }

  QTOOL_INLINE __mmask16 mask(int v) const {
    const size_t before = static_cast<size_t>(v) * 16, left = columns_ > before ? columns_ - before : 0;
    return static_cast<__mmask16>(left >= 16 ? 0xffff : (1u << left) - 1);
  }

  template <Ends ENDS>
  QTOOL_INLINE void put_codes(Sums& sums) const {
    const GemmSecond& s = args_.second;
    if constexpr (ENDS == Ends::second) {
      columns_ == kColumns ? round_with_second<true>(sums) : round_with_second<false>(sums);
      put_rows(
          sums, ToCodes(s.zero_point, s.lo, s.hi), [table = args_.table](__m512i codes) __attribute__((always_inline)) {
            return table ? Table(table)(codes) : codes;
          });
    } else {
      round(sums);
      const ToCodes to(args_.out_zero_point, args_.lo, args_.hi);
      if constexpr (ENDS == Ends::table)
        put_rows(sums, to, Table(args_.table));
      else
        put_rows(
            sums, to, [](__m512i codes) __attribute__((always_inline)) { return codes; });
    }
  }

  /// Codes of rounded numbers, as many rows at once as fill a register. Rows that end within a register go through `some`.
  template <class Map>
  QTOOL_INLINE void put_rows(const Sums& sums, const ToCodes& to, const Map& map) const {
    alignas(64) uint8_t some[MR][NV * 16];
    const Places places(*this, args_.out_stride);
    auto* out = static_cast<uint8_t*>(args_.out);
    const bool whole = columns_ == kColumns;
    uint8_t* rows[MR];
    repeat<MR>(QTOOL_EACH(i) { rows[i] = whole ? out + places.at[i] : some[i]; });
    repeat<MR / kAtOnce>(QTOOL_EACH(group) {
      const auto part = QTOOL_EACH(j) {
        return j < kAtOnce * NV ? sums[group * kAtOnce + j / NV % kAtOnce][j % NV] : _mm512_setzero_si512();
      };
      const __m512i codes = map(to(part(Number<0>{}), part(Number<1>{}), part(Number<2>{}), part(Number<3>{})));
      repeat<kAtOnce>(QTOOL_EACH(j) { store_bytes<kColumns>(rows[group * kAtOnce + j], row_of<j>(codes)); });
    });
    if (whole) return;
    for (size_t i = 0; i < MR; ++i) copy_some(some[i], out + places.at[i], columns_);
  }

  template <int N>
  using Number = std::integral_constant<int, N>;

  /// The codes of the ROW-th of the rows in a register, in front.
  template <int ROW>
  QTOOL_INLINE static __m512i row_of(__m512i codes) {
    if constexpr (ROW == 0) return codes;
    if constexpr (NV == 2) return _mm512_castsi256_si512(_mm512_extracti64x4_epi64(codes, ROW));
    return _mm512_castsi128_si512(_mm512_extracti32x4_epi32(codes, ROW));
  }

  QTOOL_INLINE void put_words(const Sums& sums) const {
    auto* out = static_cast<int32_t*>(args_.out);
    const Places places(*this, args_.out_stride);
    if (columns_ == NV * 16)
      repeat<MR>(QTOOL_EACH(i) { repeat<NV>(QTOOL_EACH(v) { _mm512_storeu_si512(out + places.at[i] + v * 16, sums[i][v]); }); });
    else
      repeat<MR>(
          QTOOL_EACH(i) { repeat<NV>(QTOOL_EACH(v) { _mm512_mask_storeu_epi32(out + places.at[i] + v * 16, mask(v), sums[i][v]); }); });
  }

  const GemmArgs& args_;
  const size_t row_, column_, columns_;
};

}  // namespace
}  // namespace qtool::kernels
