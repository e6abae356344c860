#pragma once
// A node that is linear in a constant weight, seen as y[c] = sum(weight * x) + bias[c]: Conv, ConvTranspose, Gemm, MatMul, and
// BatchNormalization itself (weight and bias are its scale and bias).

#include <optional>
#include <string>
#include <vector>

#include "pass/rewrites/channel_affine.h"

namespace qtool {

class LinearNode {
 public:
  /// Nothing when the operator is none of these. A node of the right operator that cannot be edited has a reason.
  static std::optional<LinearNode> of(Node& node);

  Node& node() const { return *node_; }
  const std::string& reason() const { return reason_; }  ///< not empty: the weight or bias is no constant, ...
  const Channels& outputs() const { return outputs_; }
  const Channels& inputs() const { return inputs_; }
  bool has_bias_input() const { return bias_ >= 0; }
  bool is_padded() const;  ///< sees zeros that are not in its input

  /// y -> scale * y + shift, by editing the weight and the bias. Without a bias input the shift is left out.
  void scale_outputs(const ChannelAffine& affine) const;
  /// x -> scale * x + shift, in front of it. Returns what the shift adds to each output channel; with a bias input it is added.
  std::vector<double> scale_inputs(const ChannelAffine& affine) const;

 private:
  LinearNode(Node& node, int weight, int bias) : node_(&node), weight_(weight), bias_(bias) {}
  void read_channels();
  void check();
  const Tensor& weight() const { return *node_->in(static_cast<size_t>(weight_))->constant(); }
  std::vector<double> bias() const;
  void set_weight(Tensor tensor) const;
  void set_bias(const std::vector<double>& values) const;
  void forget_factors() const;
  /// Calls f(output channel, input channel, begin, end) for the elements of each pair, as float or double, to be edited in place.
  template <class F>
  void for_each_run(Tensor& tensor, F&& f) const;

  Node* node_;
  int weight_, bias_;
  int64_t groups_ = 1;
  Channels outputs_, inputs_;
  std::string reason_;
};

}  // namespace qtool
