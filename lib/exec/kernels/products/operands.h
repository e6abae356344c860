#pragma once
// Constants of compute clusters: weights as s8 or f32, biases as real numbers.

#include <optional>
#include <string>
#include <vector>

#include "exec/cluster.h"

namespace qtool::lowerings {

/// True for 8-bit codes with one scale.
bool per_tensor_8bit(const Operand& operand);

/// Weight codes minus their zero points, as s8; nothing where they do not fit. Parameters: one tensor, or one a slice of `axis`.
std::optional<Tensor> centred_weights(const Operand& weight, int axis);

/// factors[c] = input scale * weight scale of channel c (rounded once); `count` channels.
std::vector<float> product_scales(const QuantParams& input, const QuantParams& weight, int64_t count);

/// Bias as real numbers, zeros when omitted.
std::vector<float> real_bias(const Operand* bias, int64_t count);

/// Position among the step's inputs of an operand that is no constant.
int input_index(const Cluster& cluster, const Operand& operand);

/// A constant operand as real values.
std::vector<float> real_values(const Operand& operand);

/// Where the channel of a compute cluster's output lies, and how many there are.
struct Channels {
  size_t rank, axis;
  int64_t count;
};

/// The constant of an Add as one value a channel; empty when it is none.
std::vector<float> channel_values(const Operand& operand, const Channels& channels);

/// A shape with ones in front up to `rank`.
Shape padded_shape(const Shape& shape, size_t rank);

/// The shape of a value for trying a primitive out: unknown dimensions become `guess`.
Shape likely_shape(const Value& value, int64_t guess = 16);
/// Of every activation of the cluster; nothing when a rank is unknown.
std::optional<std::vector<Shape>> likely_shapes(const Cluster& cluster);

}  // namespace qtool::lowerings
