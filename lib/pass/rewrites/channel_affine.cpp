#include "pass/rewrites/channel_affine.h"

#include <algorithm>
#include <cmath>

namespace qtool {
namespace {

ChannelAffine refusal(std::string reason) { return {{}, {}, std::move(reason)}; }

/// scale = g / sqrt(variance + epsilon), shift = bias - mean * scale
ChannelAffine of_batch_norm(const Node& node, const Channels& channels) {
  if (node.attr_or("training_mode", 0) != 0) return refusal("BatchNormalization is in training mode");
  if (node.attr_or("spatial", 1) == 0) return refusal("BatchNormalization has spatial = 0");
  for (size_t i = 1; i < node.output_count(); ++i)
    if (node.out(i)) return refusal("BatchNormalization has outputs for training");
  if (channels.last && channels.rank != 2) return refusal("the channels of BatchNormalization are not the last axis");
  std::vector<std::vector<double>> parameters;
  for (size_t i = 1; i <= 4; ++i) {
    const Tensor* tensor = node.in(i) ? node.in(i)->constant() : nullptr;
    if (!tensor) return refusal("a parameter of BatchNormalization is not constant");
    if (tensor->size() != channels.count)
      return refusal("BatchNormalization has " + std::to_string(tensor->size()) + " channels, not " + std::to_string(channels.count));
    parameters.push_back(to_doubles(*tensor));
  }
  const double epsilon = node.attr_or("epsilon", 1e-5f);
  ChannelAffine affine;
  for (size_t c = 0; c < parameters[0].size(); ++c) {
    affine.scale.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + epsilon));
    affine.shift.push_back(parameters[1][c] - parameters[2][c] * affine.scale[c]);
  }
  return affine;
}

/// One value a channel of a constant that is the same everywhere else; empty with a reason otherwise.
std::vector<double> by_channel(const Tensor& constant, const Channels& channels, std::string& reason) {
  const size_t rank = channels.rank ? channels.rank : channels.last ? 1 : 2;
  if (constant.rank() > rank) {
    reason = channels.rank ? "the constant has more dimensions than the tensor" : "the rank of the tensor is not known";
    return {};
  }
  if (!channels.rank && !channels.last && constant.size() != 1) {
    reason = "the rank of the tensor is not known";
    return {};
  }
  const size_t axis = channels.last ? rank - 1 : 1, missing = rank - constant.rank();
  for (size_t i = 0; i < constant.rank(); ++i) {
    const int64_t size = constant.shape()[i];
    if (size != 1 && (i + missing != axis || size != channels.count)) {
      reason = "the constant of shape " + to_string(constant.shape()) + " is not one value a channel";
      return {};
    }
  }
  const std::vector<double> values = to_doubles(constant);
  return values.size() == 1 ? std::vector<double>(static_cast<size_t>(channels.count), values[0]) : values;
}

ChannelAffine of_binary(const Node& node, const Channels& channels) {
  const bool constant_first = node.in(0)->constant() != nullptr;
  const Tensor* constant = node.in(constant_first ? 0 : 1)->constant();
  if (!is_floating(constant->dtype())) return refusal("the constant is not floating point");
  ChannelAffine affine;
  const std::vector<double> values = by_channel(*constant, channels, affine.reason);
  for (const double value : values) {
    if (node.is("Mul") || node.is("Div")) {
      affine.scale.push_back(node.is("Mul") ? value : 1 / value);
      affine.shift.push_back(0);
    } else {
      affine.scale.push_back(node.is("Sub") && constant_first ? -1 : 1);
      affine.shift.push_back(node.is("Sub") && !constant_first ? -value : value);
    }
  }
  if (node.is("Div") && constant_first) return refusal("a constant divided by a tensor is not linear");
  return affine;
}

}  // namespace

bool ChannelAffine::shifts() const {
  return std::any_of(shift.begin(), shift.end(), [](double value) { return value != 0; });
}

bool ChannelAffine::is_uniform_scale() const {
  return !shifts() && std::all_of(scale.begin(), scale.end(), [&](double value) { return value == scale[0]; });
}

Value* data_input(const Node& node) {
  if (node.is("BatchNormalization")) return node.in(0);
  const bool binary = node.is("Add") || node.is("Sub") || node.is("Mul") || node.is("Div");
  if (!binary || !node.in(0) || !node.in(1) || !node.in(0)->constant() == !node.in(1)->constant()) return nullptr;
  return node.in(node.in(0)->constant() ? 1 : 0);
}

ChannelAffine affine_of(const Node& node, const Channels& channels) {
  ChannelAffine affine = node.is("BatchNormalization") ? of_batch_norm(node, channels) : of_binary(node, channels);
  for (const auto* list : {&affine.scale, &affine.shift})
    for (const double value : *list)
      if (!std::isfinite(value)) return refusal(node.op + " gives a factor that is not finite");
  return affine;
}

ChannelAffine compose(const ChannelAffine& first, const ChannelAffine& second) {
  ChannelAffine both{{}, {}, first.ok() ? second.reason : first.reason};
  for (size_t c = 0; both.ok() && c < first.scale.size(); ++c) {
    both.scale.push_back(first.scale[c] * second.scale[c]);
    both.shift.push_back(first.shift[c] * second.scale[c] + second.shift[c]);
  }
  return both;
}

}  // namespace qtool
