#pragma once
// Convolution shared by Conv, ConvInteger and QLinearConv.

#include "ops/helpers/window.h"

namespace qtool {

/// x: [batch, in, spatial...], weight: [out, in / group, kernel...], both float32, or both float64.
struct ConvGeometry {
  int64_t batch, in_channels, out_channels, group;
  std::vector<Window> windows;
  Shape output_shape() const;  ///< [batch, out, spatial...]
};

/// Checks ranks, channels and group; throws Error(invalid_file).
ConvGeometry conv_geometry(const Node& node, const Shape& x, const Shape& weight);

/// Float64 tensor of output_shape(): for every output, sum over (in channel, kernel position) in row-major order, of products in
/// double. Padding counts as 0.
Tensor convolve(const Tensor& x, const Tensor& weight, const ConvGeometry& geometry);

/// bias[channel] added to [batch, channel, ...] in double.
void add_channel_bias(Tensor& sums, const Tensor& bias);

std::vector<ValueType> infer_conv(const Node& node, const InferInput& in, DType dtype, size_t weight_input);
int64_t conv_macs(std::span<const Shape> out, const Shape& weight);

}  // namespace qtool
