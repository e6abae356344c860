#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

struct Unsigned {
  static __m512i of(__m512i a, __m512i b) { return _mm512_max_epu8(a, b); }
  static __m256i of(__m256i a, __m256i b) { return _mm256_max_epu8(a, b); }
  static __m128i of(__m128i a, __m128i b) { return _mm_max_epu8(a, b); }
};
struct Signed {
  static __m512i of(__m512i a, __m512i b) { return _mm512_max_epi8(a, b); }
  static __m256i of(__m256i a, __m256i b) { return _mm256_max_epi8(a, b); }
  static __m128i of(__m128i a, __m128i b) { return _mm_max_epi8(a, b); }
};

struct Vector64 {
  using Type = __m512i;
  static Type load(const uint8_t* at) { return _mm512_loadu_si512(at); }
  static void store(uint8_t* at, Type x) { _mm512_storeu_si512(at, x); }
};
struct Vector32 {
  using Type = __m256i;
  static Type load(const uint8_t* at) { return _mm256_loadu_si256(reinterpret_cast<const Type*>(at)); }
  static void store(uint8_t* at, Type x) { _mm256_storeu_si256(reinterpret_cast<Type*>(at), x); }
};
struct Vector16 {
  using Type = __m128i;
  static Type load(const uint8_t* at) { return _mm_loadu_si128(reinterpret_cast<const Type*>(at)); }
  static void store(uint8_t* at, Type x) { _mm_storeu_si128(reinterpret_cast<Type*>(at), x); }
};

template <class Vector, class Max>
void columns(const MaximumArgs& args, size_t i) {
  auto top = Vector::load(args.taps[0] + i);
  for (size_t t = 1; t < args.count; ++t) top = Max::of(top, Vector::load(args.taps[t] + i));
  Vector::store(args.out + i, top);
}

/// At least as many columns as the vector has: the last vector ends with the row.
template <class Vector, class Max>
void rows(const MaximumArgs& args) {
  constexpr size_t kWidth = sizeof(typename Vector::Type);
  size_t i = 0;
  for (; i + kWidth <= args.n; i += kWidth) columns<Vector, Max>(args, i);
  if (i < args.n) columns<Vector, Max>(args, args.n - kWidth);
}

template <class Max>
void few_columns(const MaximumArgs& args) {
  const auto some = static_cast<__mmask16>((1u << args.n) - 1);
  __m128i top = _mm_maskz_loadu_epi8(some, args.taps[0]);
  for (size_t t = 1; t < args.count; ++t) top = Max::of(top, _mm_maskz_loadu_epi8(some, args.taps[t]));
  _mm_mask_storeu_epi8(args.out, some, top);
}

template <class Max>
void maximum(const MaximumArgs& args) {
  if (args.n >= 64) return rows<Vector64, Max>(args);
  if (args.n >= 32) return rows<Vector32, Max>(args);
  if (args.n >= 16) return rows<Vector16, Max>(args);
  few_columns<Max>(args);
}

}  // namespace

void maximum_avx512(const MaximumArgs& args) { args.is_signed ? maximum<Signed>(args) : maximum<Unsigned>(args); }

}  // namespace qtool::kernels
