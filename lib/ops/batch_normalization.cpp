// BatchNormalization: (x - mean[c]) / sqrt(var[c] + epsilon) * scale[c] + bias[c], c the second dimension.
#include <cmath>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

struct Channels {
  int64_t count = 1, inner = 1;
  explicit Channels(const Tensor& x) : count(x.rank() > 1 ? x.shape()[1] : 1), inner(x.rank() > 2 ? product(x.shape(), 2, x.rank()) : 1) {}
  size_t of(int64_t i) const { return static_cast<size_t>(i / inner % count); }
};

Tensor normalized(const Node& node, TensorsIn in, const std::vector<double>& mean, const std::vector<double>& variance) {
  const Tensor& x = in[0];
  const Channels channels(x);
  const std::vector<double> scale = to_doubles(input(in, 1)), bias = to_doubles(input(in, 2));
  for (const auto* list : {&scale, &bias, &mean, &variance})
    require(std::ssize(*list) == channels.count, "the parameters must have one element a channel");
  const double epsilon = node.attr_or("epsilon", 1e-5f);
  std::vector<double> divisor;
  for (const double v : variance) divisor.push_back(std::sqrt(v + epsilon));
  std::vector<double> y = to_doubles(x);
  for (int64_t i = 0; i < x.size(); ++i) {
    const size_t c = channels.of(i), e = static_cast<size_t>(i);
    y[e] = (y[e] - mean[c]) / divisor[c] * scale[c] + bias[c];
  }
  return from_doubles(x.dtype(), x.shape(), y);
}

void inference(const Node& node, TensorsIn in, TensorsOut out) {
  if (node.attr_or("spatial", 1) == 0) throw unsupported("BatchNormalization with spatial = 0");
  input(in, 0);
  out[0] = normalized(node, in, to_doubles(input(in, 3)), to_doubles(input(in, 4)));
}

struct Moments {
  std::vector<double> mean, variance;
};

Moments moments_of(const Tensor& x) {
  const Channels channels(x);
  const auto count = static_cast<size_t>(channels.count);
  Moments m{std::vector<double>(count), std::vector<double>(count)};
  const std::vector<double> values = to_doubles(x);
  const double n = static_cast<double>(x.size()) / static_cast<double>(count);
  for (int64_t i = 0; i < x.size(); ++i) m.mean[channels.of(i)] += values[static_cast<size_t>(i)] / n;
  for (int64_t i = 0; i < x.size(); ++i) {
    const double d = values[static_cast<size_t>(i)] - m.mean[channels.of(i)];
    m.variance[channels.of(i)] += d * d / n;
  }
  return m;
}

/// running * momentum + current * (1 - momentum)
Tensor running(const Tensor& before, const std::vector<double>& current, double momentum) {
  std::vector<double> values = to_doubles(before);
  require(values.size() == current.size(), "the parameters must have one element a channel");
  for (size_t c = 0; c < values.size(); ++c) values[c] = values[c] * momentum + current[c] * (1 - momentum);
  return from_doubles(before.dtype(), before.shape(), values);
}

void eval_14(const Node& node, TensorsIn in, TensorsOut out) {
  if (node.attr_or("training_mode", 0) == 0) return inference(node, in, out);
  const Moments moments = moments_of(input(in, 0));
  const double momentum = node.attr_or("momentum", 0.9f);
  out[0] = normalized(node, in, moments.mean, moments.variance);
  assign(out, 1, running(input(in, 3), moments.mean, momentum));
  assign(out, 2, running(input(in, 4), moments.variance, momentum));
}

TypeList infer(const Node& node, const InferInput& in) { return outputs(node, {type_of(in, 0), type_of(in, 3), type_of(in, 4)}); }

/// `spatial` ended with opset 8.
void lift_7(Graph&, Node& node) {
  if (node.attr_or("spatial", 1) == 0) refuse_lift(node, "spatial = 0");
  node.remove_attribute("spatial");
}

/// Outputs 1 to 4 were for training.
void lift_9(Graph&, Node& node) {
  for (size_t i = 1; i < node.output_count(); ++i)
    if (node.out(i)) refuse_lift(node, "it has outputs for training");
}

}  // namespace

extern const OpDef kBatchNormalization7{.name = "BatchNormalization", .since = 7, .infer = infer, .eval = inference, .lift = lift_7};
extern const OpDef kBatchNormalization9{.name = "BatchNormalization", .since = 9, .infer = infer, .eval = inference, .lift = lift_9};
extern const OpDef kBatchNormalization14{.name = "BatchNormalization", .since = 14, .infer = infer, .eval = eval_14};

}  // namespace qtool
