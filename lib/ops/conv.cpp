// Conv: y[n, f, o] = bias[f] + sum over c, j of x[n, c, o * stride + j * dilation - pad] * w[f, c, j]; channels in groups.
#include "ops/helpers/conv.h"

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// 16-bit floats are computed as float.
Tensor widened(const Tensor& x) { return x.dtype() == DType::float64 ? x : x.cast(DType::float32); }

TypeList infer(const Node& node, const InferInput& in) { return infer_conv(node, in, dtype_of(in, 0), 1); }

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &weight = input(in, 1), &bias = optional_input(in, 2);
  if (!is_floating(x.dtype()) || x.dtype() != weight.dtype()) refuse_type(x.dtype());
  Tensor sums = convolve(widened(x), widened(weight), conv_geometry(node, x.shape(), weight.shape()));
  if (bias.defined()) add_channel_bias(sums, bias);
  out[0] = sums.cast(x.dtype());
}

int weight_axis(const Node&) { return 0; }
int64_t macs(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return conv_macs(out, in[1]); }

}  // namespace

extern const OpDef kConv1{.name = "Conv", .infer = infer, .eval = eval, .quant = compute(1, 2, weight_axis), .macs = macs};

}  // namespace qtool
