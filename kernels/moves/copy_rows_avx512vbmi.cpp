#include <cstring>

#include "kernels/elementwise/table_avx512vbmi.h"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_VBMI __attribute__((target("avx512vbmi")))

/// What happens to the bytes on their way.
struct AsTheyAre {
  __m512i operator()(__m512i codes) const { return codes; }
};

/// One unit of the type of the last argument.
template <class Map>
QTOOL_VBMI inline void move(const uint8_t* from, uint8_t* to, const Map& map, __m512i) {
  _mm512_storeu_si512(to, map(_mm512_loadu_si512(from)));
}
template <class Map>
QTOOL_VBMI inline void move(const uint8_t* from, uint8_t* to, const Map& map, __m256i) {
  const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(map(_mm512_castsi256_si512(codes))));
}
template <class Map>
QTOOL_VBMI inline void move(const uint8_t* from, uint8_t* to, const Map& map, __m128i) {
  const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_castsi512_si128(map(_mm512_castsi128_si512(codes))));
}
template <class Map>
QTOOL_VBMI inline void move(const uint8_t* from, uint8_t* to, const Map& map, uint64_t) {
  int64_t codes;
  std::memcpy(&codes, from, sizeof codes);
  codes = _mm_cvtsi128_si64(_mm512_castsi512_si128(map(_mm512_castsi128_si512(_mm_cvtsi64_si128(codes)))));
  std::memcpy(to, &codes, sizeof codes);
}
template <class Map>
QTOOL_VBMI inline void move(const uint8_t* from, uint8_t* to, const Map& map, uint32_t) {
  int32_t codes;
  std::memcpy(&codes, from, sizeof codes);
  codes = _mm_cvtsi128_si32(_mm512_castsi512_si128(map(_mm512_castsi128_si512(_mm_cvtsi32_si128(codes)))));
  std::memcpy(to, &codes, sizeof codes);
}
template <class Map>
QTOOL_VBMI inline void move(const uint8_t* from, uint8_t* to, const Map& map, uint8_t) {
  *to = static_cast<uint8_t>(_mm_cvtsi128_si32(_mm512_castsi512_si128(map(_mm512_castsi128_si512(_mm_cvtsi32_si128(*from))))));
}

/// Rows of at least one unit: units, and where they do not come out even one that ends with the row.
template <class Unit, class Map>
QTOOL_VBMI void copy_in(const CopyRowsArgs& args, const Map& map) {
  const size_t n = args.n, from_step = args.from_step, to_step = args.to_step;
  const uint8_t* from = args.from;
  uint8_t* to = args.to;
  for (size_t r = 0; r < args.rows; ++r, from += from_step, to += to_step) {
    size_t i = 0;
    for (; i + sizeof(Unit) <= n; i += sizeof(Unit)) move(from + i, to + i, map, Unit{});
    if (i < n) move(from + n - sizeof(Unit), to + n - sizeof(Unit), map, Unit{});
  }
}

template <class Map>
QTOOL_VBMI void copy_with(const CopyRowsArgs& args, const Map& map) {
  if (args.n >= 64) return copy_in<__m512i>(args, map);
  if (args.n >= 32) return copy_in<__m256i>(args, map);
  if (args.n >= 16) return copy_in<__m128i>(args, map);
  if (args.n >= 8) return copy_in<uint64_t>(args, map);
  if (args.n >= 4) return copy_in<uint32_t>(args, map);
  return copy_in<uint8_t>(args, map);
}

}  // namespace

QTOOL_VBMI void copy_rows_avx512vbmi(const CopyRowsArgs& args) {
  if (args.n == 0) return;
  if (args.table)
    copy_with(args, Table(args.table));
  else
    copy_with(args, AsTheyAre{});
}

}  // namespace qtool::kernels
