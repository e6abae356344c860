// The loops of scan_count.h in vectors of kLanes floats. Included once by each file that
// is compiled for one instruction set; no library templates here, or the linker might keep a copy made for the wrong set.

namespace {

typedef float Floats __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(kLanes * sizeof(int32_t)), aligned(4), may_alias));
typedef uint16_t Shorts __attribute__((vector_size(kLanes * sizeof(uint16_t)), aligned(2), may_alias));

/// Reads n < kLanes values; the rest repeats the last one.
inline void load_tail(const float* values, size_t n, Floats& out) {
  for (size_t lane = 0; lane < kLanes; ++lane) out[lane] = values[lane < n ? lane : n - 1];
}

ScanResult scan(const float* values, size_t n) {
  const float inf = __builtin_inff();
  Floats lo = Floats{} + inf, hi = Floats{} - inf, odd = Floats{};
  Floats lo2 = lo, hi2 = hi, odd2 = odd;
  size_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const Floats x = *reinterpret_cast<const Floats*>(values + i);
    const Floats y = *reinterpret_cast<const Floats*>(values + i + kLanes);
    lo = x < lo ? x : lo;
    lo2 = y < lo2 ? y : lo2;
    hi = x > hi ? x : hi;
    hi2 = y > hi2 ? y : hi2;
    odd += x - x;  // zero, or NaN once a value is not finite
    odd2 += y - y;
  }
  for (; i < n; i += kLanes) {
    Floats x;
    load_tail(values + i, n - i < kLanes ? n - i : kLanes, x);
    lo = x < lo ? x : lo;
    hi = x > hi ? x : hi;
    odd += x - x;
  }
  lo = lo2 < lo ? lo2 : lo;
  hi = hi2 > hi ? hi2 : hi;
  odd += odd2;
  ScanResult result{inf, -inf, true};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    if (lo[lane] < result.lo) result.lo = lo[lane];
    if (hi[lane] > result.hi) result.hi = hi[lane];
    if (odd[lane] != 0) result.all_finite = false;
  }
  return result;
}

inline void bins_of(const Floats& x, float inverse_width, int32_t first, uint16_t* bins) {
  const Floats scaled = x * inverse_width;
  Ints bin = __builtin_convertvector(scaled, Ints);      // towards zero
  bin += scaled < __builtin_convertvector(bin, Floats);  // comparisons are -1 where true: now towards minus infinity
  bin += (x < 0.0f) & (scaled == 0.0f);                  // underflow of a negative value
  *reinterpret_cast<Shorts*>(bins) = __builtin_convertvector(bin - first, Shorts);
}

void bins(const float* values, size_t n, float inverse_width, int32_t first, uint16_t* out) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) bins_of(*reinterpret_cast<const Floats*>(values + i), inverse_width, first, out + i);
  if (i == n) return;
  Floats x;
  load_tail(values + i, n - i, x);
  bins_of(x, inverse_width, first, out + i);
}

}  // namespace
