#include "tensor/quant_math.h"

#include <limits>

namespace qtool {
namespace {

/// Elements before a slice, slices, elements within a slice along `axis` (one slice when per tensor).
struct Slices {
  int64_t outer = 1, channels = 1, inner = 1;
};

Slices slices_of(const Tensor& tensor, const QuantParams& params) {
  if (!params.per_channel()) return {1, 1, tensor.size()};
  const auto axis = static_cast<size_t>(normalize_axis(params.axis, tensor.rank()));
  Slices slices{product(tensor.shape(), 0, axis), tensor.shape()[axis], product(tensor.shape(), axis + 1, tensor.rank())};
  if (slices.channels != static_cast<int64_t>(params.scales.size()))
    throw bug("per-channel parameters: " + std::to_string(params.scales.size()) + " scales for " + std::to_string(slices.channels) +
              " channels");
  return slices;
}

template <class Body>
void for_each_element(const Slices& slices, Body&& body) {
  for (int64_t o = 0, i = 0; o < slices.outer; ++o)
    for (int64_t c = 0; c < slices.channels; ++c)
      for (int64_t n = 0; n < slices.inner; ++n, ++i) body(i, static_cast<size_t>(c));
}

float at_least(float scale, float eps) {
  if (!(scale >= eps)) scale = eps;
  return std::max(scale, std::numeric_limits<float>::min());
}

}  // namespace

CodeRange full_range(DType dtype) {
  if (!is_integer(dtype) || bit_width(dtype) > 32) throw bug("no code range for " + std::string(name_of(dtype)));
  const int bits = bit_width(dtype);
  if (is_signed(dtype)) return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
  return {0, (int64_t{1} << bits) - 1};
}

QuantParams affine_params(float lo, float hi, DType dtype, CodeRange codes, float eps) {
  lo = std::min(lo, 0.0f);
  hi = std::max(hi, 0.0f);
  const float span = static_cast<float>(codes.hi - codes.lo);
  const float width = hi - lo;  // in float, as torch.ao: its scales are met to the bit
  const float scale = at_least(std::isfinite(width) ? width / span : hi / span - lo / span, eps);
  const double zero = static_cast<double>(codes.lo) - std::nearbyint(static_cast<double>(lo / scale));
  const auto clamped = std::clamp(zero, static_cast<double>(codes.lo), static_cast<double>(codes.hi));
  return {dtype, -1, {scale}, {static_cast<int32_t>(clamped)}};
}

QuantParams symmetric_params(float lo, float hi, DType dtype, CodeRange codes, float eps) {
  const float bound = std::max(std::fabs(std::min(lo, 0.0f)), std::fabs(std::max(hi, 0.0f)));
  const float half = static_cast<float>(codes.hi - codes.lo) / 2;
  const float scale = at_least(bound / half, eps);
  const int64_t middle = is_signed(dtype) ? 0 : (codes.lo + codes.hi + 1) / 2;
  return {dtype, -1, {scale}, {static_cast<int32_t>(middle)}};
}

QuantParams dynamic_params(float lo, float hi) {
  lo = std::min(lo, 0.0f);
  hi = std::max(hi, 0.0f);
  const float scale = hi == lo ? 1.0f : (hi - lo) / 255.0f;
  const float zero = std::clamp(std::nearbyint(-lo / scale), 0.0f, 255.0f);
  return {DType::uint8, -1, {scale}, {static_cast<int32_t>(zero)}};
}

Tensor quantize(const Tensor& real, const QuantParams& params, CodeRange codes) {
  Tensor out(params.dtype, real.shape());
  const auto in = real.floats();
  dispatch(params.dtype, [&](auto kind) {
    using T = decltype(kind);
    if constexpr (std::is_integral_v<T>) {
      auto* result = reinterpret_cast<T*>(out.mutable_bytes());
      for_each_element(slices_of(real, params), [&](int64_t i, size_t c) {
        result[i] = static_cast<T>(quantize_value(in[static_cast<size_t>(i)], params.scales[c], params.zero_points[c], codes));
      });
    } else {
      throw bug("quantize: not an integer type");
    }
  });
  return out;
}

Tensor dequantize(const Tensor& codes, const QuantParams& params) {
  Tensor out(DType::float32, codes.shape());
  auto result = out.mutable_data<float>();
  dispatch(codes.dtype(), [&](auto kind) {
    using T = decltype(kind);
    if constexpr (std::is_integral_v<T>) {
      const auto* in = reinterpret_cast<const T*>(codes.bytes());
      for_each_element(slices_of(codes, params), [&](int64_t i, size_t c) {
        result[static_cast<size_t>(i)] = dequantize_value(static_cast<int64_t>(in[i]), params.scales[c], params.zero_points[c]);
      });
    } else {
      throw bug("dequantize: not an integer type");
    }
  });
  return out;
}

Tensor fake_quantize(const Tensor& real, const QuantParams& params, CodeRange codes) {
  return dequantize(quantize(real, params, codes), params);
}

}  // namespace qtool
