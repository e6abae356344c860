#pragma once
// The sliding window of Conv and the pools: how far it moves and where it starts, one spatial dimension at a time.

#include <optional>
#include <vector>

#include "ops/op_def.h"

namespace qtool {

/// One spatial dimension. Output position o reads input positions o * stride - pad_begin + j * dilation, 0 <= j < kernel.
struct Window {
  int64_t in = 0, out = 0, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0;
};

/// Windows of `node` (attributes strides, dilations, pads, auto_pad, ceil_mode) over an input of these spatial dimensions.
/// Throws Error(invalid_file) on attributes of the wrong length, zero strides or an empty output of a non-empty input.
std::vector<Window> windows(const Node& node, const Shape& spatial, const Shape& kernel);

/// Attribute kernel_shape, or the spatial part of `weight` [out, in / group, kernel...].
Shape kernel_of(const Node& node, const Shape& weight);

Shape output_of(const std::vector<Window>& windows);

/// Spatial output dimensions; unknown where the input is.
std::vector<Dim> infer_windows(const Node& node, const std::vector<Dim>& spatial, const Shape& kernel);

}  // namespace qtool
