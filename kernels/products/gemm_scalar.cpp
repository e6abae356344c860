#include <algorithm>
#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

const int8_t* row(const GemmArgs& args, size_t i, size_t t) {
  return args.offsets ? args.a + args.offsets[t * args.offsets_step + i] : args.a + i * args.a_stride;
}

template <class Code>
int32_t accumulate_part(const GemmArgs& args, size_t i, size_t n) {
  const GemmPart& part = args.part;
  int32_t acc = args.start[n] + (args.row_start ? args.row_start[i] : 0);
  for (size_t t = 0; t < part.taps; ++t)
    for (size_t k = 0; k < part.depth; ++k)
      acc += static_cast<Code>(row(args, i, t)[k]) * args.b[args.packing.index(part.first_tap + t, part.first_k + k, n)];
  return acc;
}

template <class Code>
int32_t accumulate(const GemmArgs& args, size_t i, size_t n) {
  if (args.part.taps) return accumulate_part<Code>(args, i, n);
  int32_t acc = args.start[n] + (args.row_start ? args.row_start[i] : 0);
  const size_t taps = args.packing.taps * args.pieces, piece = args.packing.depth / args.pieces;
  for (size_t t = 0; t < taps; ++t) {
    const int8_t* a = row(args, i, t);
    for (size_t k = 0; k < piece; ++k)
      acc += static_cast<Code>(a[k]) * args.b[args.packing.index(t / args.pieces, t % args.pieces * piece + k, n)];
  }
  return acc;
}

int32_t rounded(float y, int32_t zero_point, int32_t lo, int32_t hi) {
  return static_cast<int32_t>(std::clamp<double>(static_cast<double>(std::nearbyint(y)) + zero_point, lo, hi));
}

int32_t second(const GemmArgs& args, size_t i, size_t n, int32_t code) {
  const GemmSecond& s = args.second;
  const uint8_t byte = s.other[(args.places ? static_cast<size_t>(args.places[i]) : i * s.stride) + n];
  const auto other = static_cast<float>(s.is_signed ? byte ^ 0x80 : byte);
  return rounded(std::fma(static_cast<float>(code - args.out_zero_point), s.scale, std::fma(other, s.other_scale, s.shift)), s.zero_point,
                 s.lo, s.hi);
}

uint8_t code_of(const GemmArgs& args, size_t i, size_t n, float y) {
  const int32_t first = rounded(y, args.out_zero_point, args.lo, args.hi);
  const auto byte = static_cast<uint8_t>(args.second.other ? second(args, i, n, first) : first);
  return args.table ? args.table[byte] : byte;
}

void put(const GemmArgs& args, size_t i, size_t n, int32_t acc) {
  const size_t at = (args.places ? static_cast<size_t>(args.places[i]) : i * args.out_stride) + n;
  if (args.form == GemmForm::sums) {
    static_cast<int32_t*>(args.out)[at] = acc;
    return;
  }
  const float y = std::fma(static_cast<float>(acc), args.scale[n], args.shift ? args.shift[n] : 0.0f);
  if (args.form == GemmForm::floats)
    static_cast<float*>(args.out)[at] = y;
  else
    static_cast<uint8_t*>(args.out)[at] = code_of(args, i, n, y);
}

template <class Code>
void run(const GemmArgs& args) {
  for (size_t i = 0; i < args.m; ++i)
    for (size_t n = 0; n < args.packing.n; ++n) put(args, i, n, accumulate<Code>(args, i, n));
}

}  // namespace

void gemm_scalar(const GemmArgs& args) { run<int8_t>(args); }
void gemm_u8_scalar(const GemmArgs& args) { run<uint8_t>(args); }

}  // namespace qtool::kernels
