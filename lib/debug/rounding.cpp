#include "debug/rounding.h"

#include <algorithm>

#include "exec/plan/reorder.h"
#include "kernels/registry.h"

namespace qtool::debug {
namespace {

void count(const Tensor& codes, CodeCounts& counts) {
  const CodeRange range = full_range(codes.dtype());
  counts.resize(static_cast<size_t>(range.hi - range.lo + 1));
  std::array<std::array<uint32_t, 256>, 4> tables{};  // equal neighbours do not wait for each other's store
  const auto* bytes = reinterpret_cast<const uint8_t*>(codes.bytes());
  const auto n = static_cast<size_t>(codes.size());
  for (size_t i = 0; i < n; ++i) ++tables[i % 4][bytes[i]];
  for (int64_t code = range.lo; code <= range.hi; ++code)
    for (const auto& table : tables) counts[static_cast<size_t>(code - range.lo)] += table[static_cast<uint8_t>(code)];
}

bool is_byte(const QuantParams& params) { return !params.per_channel() && (params.dtype == DType::int8 || params.dtype == DType::uint8); }

}  // namespace

Array rounded(const Array& value, const QuantParams& params, BufferPool& pool, CodeCounts* counts) {
  const CodeRange range = full_range(params.dtype);
  if (!is_byte(params)) return {fake_quantize(plain_tensor(value), params, range), Layout::plain};
  const auto n = static_cast<size_t>(value.tensor.size());
  Tensor codes = pool.tensor(params.dtype, value.tensor.shape()), real = pool.tensor(DType::float32, value.tensor.shape());
  auto* bytes = reinterpret_cast<uint8_t*>(codes.mutable_bytes());
  kernels::best<kernels::Quantize>().run({value.tensor.floats().data(), bytes, n, params.scale(), params.zero_point(),
                                          static_cast<int32_t>(range.lo), static_cast<int32_t>(range.hi)});
  if (counts) count(codes, *counts);
  kernels::best<kernels::Dequantize>().run(
      {bytes, real.mutable_data<float>().data(), n, params.scale(), params.zero_point(), params.dtype == DType::int8});
  return {std::move(real), value.layout};
}

namespace {
double extreme(const QuantParams& params, int64_t code, bool highest) {
  double found = 0;
  for (size_t c = 0; c < params.scales.size(); ++c) {
    const double real = static_cast<double>(code - params.zero_points[c]) * static_cast<double>(params.scales[c]);
    found = c == 0 ? real : highest ? std::max(found, real) : std::min(found, real);
  }
  return found;
}
}  // namespace

double lowest_real(const QuantParams& params) { return extreme(params, full_range(params.dtype).lo, false); }
double highest_real(const QuantParams& params) { return extreme(params, full_range(params.dtype).hi, true); }

}  // namespace qtool::debug
