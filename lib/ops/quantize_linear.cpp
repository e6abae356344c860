// QuantizeLinear:   y = saturate(round_half_even(x / scale) + zero_point)
// DequantizeLinear: y = (x - zero_point) * scale
// One scale, one a slice of `axis` (opset 13), or one a block of `block_size` along it (opset 21).
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/scales.h"
#include "ops/helpers/small_float.h"
#include "tensor/quant_math.h"

namespace qtool {
namespace {

ScaleMap scale_map(const Node& node, TensorsIn in) {
  const ScaleMap map(input(in, 0).shape(), input(in, 1).shape(), node.attr_or("axis", 1), node.attr_or("block_size", 0));
  if (const Tensor& zero = optional_input(in, 2); zero.defined())
    require(zero.size() == in[1].size(), "scale and zero point differ in shape");
  return map;
}

/// Zero points as integers, all 0 where omitted.
std::vector<int64_t> zero_points(TensorsIn in) {
  const Tensor& zero = optional_input(in, 2);
  if (zero.defined() && is_integer(zero.dtype())) return zero.to_ints();
  return std::vector<int64_t>(static_cast<size_t>(in[1].size()), 0);
}

DType output_code(const Node& node, const Tensor& zero) {
  if (zero.defined()) return zero.dtype();
  return static_cast<DType>(node.attr_or("output_dtype", static_cast<int64_t>(DType::uint8)));
}

Tensor quantize_to_integer(const std::vector<float>& x, const Shape& shape, const std::vector<float>& scales,
                           const std::vector<int64_t>& zeros, DType dtype, const ScaleMap& map) {
  Tensor y(dtype, shape);
  const CodeRange codes = full_range(dtype);
  dispatch(dtype, [&](auto kind) {
    using T = decltype(kind);
    if constexpr (std::is_integral_v<T>) {
      T* to = elements<T>(y);
      map.for_each([&](int64_t i, int64_t s) {
        const auto c = static_cast<size_t>(s);
        to[i] = static_cast<T>(quantize_value(x[static_cast<size_t>(i)], scales[c], static_cast<int32_t>(zeros[c]), codes));
      });
    }
  });
  return y;
}

void quantize(const Node& node, TensorsIn in, TensorsOut out) {
  const ScaleMap map = scale_map(node, in);
  const DType dtype = output_code(node, optional_input(in, 2));
  std::vector<float> x = in[0].to_floats();
  const std::vector<float> scales = in[1].to_floats();
  if (is_integer(dtype)) {
    out[0] = quantize_to_integer(x, in[0].shape(), scales, zero_points(in), dtype, map);
    return;
  }
  map.for_each([&](int64_t i, int64_t s) { x[static_cast<size_t>(i)] /= scales[static_cast<size_t>(s)]; });
  out[0] = to_small_float(x, in[0].shape(), dtype, node.attr_or("saturate", 1) != 0);
}

void dequantize(const Node& node, TensorsIn in, TensorsOut out) {
  const ScaleMap map = scale_map(node, in);
  const auto stated = static_cast<DType>(node.attr_or("output_dtype", int64_t{0}));
  const DType dtype = stated == DType::undefined ? in[1].dtype() : stated;
  const std::vector<float> scales = in[1].to_floats();
  Tensor y(DType::float32, in[0].shape());
  float* to = elements<float>(y);
  if (is_small_float(in[0].dtype())) {
    const std::vector<float> x = from_small_float(in[0]);
    map.for_each([&](int64_t i, int64_t s) { to[i] = x[static_cast<size_t>(i)] * scales[static_cast<size_t>(s)]; });
  } else {
    const std::vector<int64_t> zeros = zero_points(in);
    dispatch(in[0].dtype(), [&](auto kind) {
      using T = decltype(kind);
      if constexpr (std::is_integral_v<T>) {
        const T* x = elements<T>(in[0]);
        map.for_each([&](int64_t i, int64_t s) {
          const auto c = static_cast<size_t>(s);
          to[i] = dequantize_value(static_cast<int64_t>(x[i]), scales[c], static_cast<int32_t>(zeros[c]));
        });
      } else {
        refuse_type(in[0].dtype());
      }
    });
  }
  out[0] = y.cast(dtype);
}

TypeList infer_quantize(const Node& node, const InferInput& in) {
  DType dtype = dtype_of(in, 2);
  if (!present(node, 2)) dtype = static_cast<DType>(node.attr_or("output_dtype", static_cast<int64_t>(DType::uint8)));
  return outputs(node, {{dtype, dims_of(in, 0)}});
}

TypeList infer_dequantize(const Node& node, const InferInput& in) {
  const auto stated = static_cast<DType>(node.attr_or("output_dtype", int64_t{0}));
  return outputs(node, {{stated == DType::undefined ? dtype_of(in, 1) : stated, dims_of(in, 0)}});
}

}  // namespace

extern const OpDef kQuantizeLinear10{.name = "QuantizeLinear", .since = 10, .infer = infer_quantize, .eval = quantize};
extern const OpDef kDequantizeLinear10{.name = "DequantizeLinear", .since = 10, .infer = infer_dequantize, .eval = dequantize};

}  // namespace qtool
