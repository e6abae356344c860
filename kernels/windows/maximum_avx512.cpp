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

/// A vector at `out`, from those at `from` of each tap.
template <class Vector, class Max>
void columns(const MaximumArgs& args, size_t from, uint8_t* out) {
  auto top = Vector::load(args.taps[0] + from);
  for (size_t t = 1; t < args.count; ++t) top = Max::of(top, Vector::load(args.taps[t] + from));
  Vector::store(out, top);
}

/// Windows of at least as many columns as the vector has: the last vector ends with the window.
template <class Vector, class Max>
struct Wide {
  static void run(const MaximumArgs& args, size_t from, uint8_t* out) {
    constexpr size_t kWidth = sizeof(typename Vector::Type);
    size_t i = 0;
    for (; i + kWidth <= args.n; i += kWidth) columns<Vector, Max>(args, from + i, out + i);
    if (i < args.n) columns<Vector, Max>(args, from + args.n - kWidth, out + args.n - kWidth);
  }
};

template <class Max>
struct Narrow {
  static void run(const MaximumArgs& args, size_t from, uint8_t* out) {
    const auto some = static_cast<__mmask16>((1u << args.n) - 1);
    __m128i top = _mm_maskz_loadu_epi8(some, args.taps[0] + from);
    for (size_t t = 1; t < args.count; ++t) top = Max::of(top, _mm_maskz_loadu_epi8(some, args.taps[t] + from));
    _mm_mask_storeu_epi8(out, some, top);
  }
};

template <class Window>
void each_window(const MaximumArgs& args) {
  for (size_t w = 0; w < args.row.windows; ++w) Window::run(args, w * args.row.in_step, args.out + w * args.row.out_step);
}

template <class Max>
void maximum(const MaximumArgs& args) {
  if (args.n >= 64) return each_window<Wide<Vector64, Max>>(args);
  if (args.n >= 32) return each_window<Wide<Vector32, Max>>(args);
  if (args.n >= 16) return each_window<Wide<Vector16, Max>>(args);
  each_window<Narrow<Max>>(args);
}

}  // namespace

void maximum_avx512(const MaximumArgs& args) { args.is_signed ? maximum<Signed>(args) : maximum<Unsigned>(args); }

}  // namespace qtool::kernels
