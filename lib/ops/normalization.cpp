// Normalizations over a part of the tensor: y = (x - mean) / sqrt(variance + epsilon) * scale + bias, and relatives.
#include <cmath>

#include "ops/helpers/axes.h"
#include "ops/helpers/broadcast.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

struct Moments {
  double mean, divisor;
};

/// of `count` consecutive elements.
Moments moments(const double* x, int64_t count, double epsilon) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < count; ++i) mean += x[i];
  mean /= static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) variance += (x[i] - mean) * (x[i] - mean);
  return {mean, std::sqrt(variance / static_cast<double>(count) + epsilon)};
}

/// Groups of `count` consecutive elements, normalized in place.
std::vector<Moments> normalize(std::vector<double>& x, int64_t count, double epsilon) {
  std::vector<Moments> all;
  for (int64_t at = 0; count > 0 && at < std::ssize(x); at += count) {
    all.push_back(moments(x.data() + at, count, epsilon));
    for (int64_t i = at; i < at + count; ++i)
      x[static_cast<size_t>(i)] = (x[static_cast<size_t>(i)] - all.back().mean) / all.back().divisor;
  }
  return all;
}

/// y = x * scale + bias, both broadcast to x; undefined = left out.
void scale_and_shift(std::vector<double>& x, const Shape& shape, const Tensor& scale, const Tensor& bias) {
  const auto apply = [&](const Tensor& with, auto&& f) {
    if (!with.defined()) return;
    const std::vector<double> values = to_doubles(with);
    BroadcastWalk(shape, {with.shape()}).for_each_row([&](const BroadcastWalk::Row& row) {
      for (int64_t i = 0; i < row.length; ++i)
        f(x[static_cast<size_t>(row.out + i)], values[static_cast<size_t>(row.at[0] + i * row.steps[0])]);
    });
  };
  apply(scale, [](double& value, double s) { value *= s; });
  apply(bias, [](double& value, double b) { value += b; });
}

/// [C] -> [C, 1, ...], to broadcast along dimension 1 of a tensor of `rank`.
Tensor per_channel(const Tensor& x, size_t rank) {
  Shape shape(rank - 1, 1);
  shape[0] = x.size();
  return x.reshaped(shape);
}

void layer_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), x.rank()));
  std::vector<double> y = to_doubles(x);
  const std::vector<Moments> all = normalize(y, product(x.shape(), axis, x.rank()), node.attr_or("epsilon", 1e-5f));
  scale_and_shift(y, x.shape(), input(in, 1), optional_input(in, 2));
  out[0] = from_doubles(x.dtype(), x.shape(), y);
  Shape shape = x.shape();
  for (size_t d = axis; d < shape.size(); ++d) shape[d] = 1;
  std::vector<double> means, inverses;
  for (const Moments& m : all) {
    means.push_back(m.mean);
    inverses.push_back(1 / m.divisor);
  }
  const DType stash = static_cast<DType>(node.attr_or("stash_type", static_cast<int64_t>(DType::float32)));
  if (out.size() > 1) out[1] = from_doubles(stash, shape, means);
  if (out.size() > 2) out[2] = from_doubles(stash, shape, inverses);
}

TypeList infer_layer_normalization(const Node& node, const InferInput& in) {
  Dims reduced = dims_of(in, 0);
  if (reduced)
    for (auto d = static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), reduced->size())); d < reduced->size(); ++d)
      (*reduced)[d] = known(1);
  const auto stash = static_cast<DType>(node.attr_or("stash_type", static_cast<int64_t>(DType::float32)));
  return outputs(node, {type_of(in, 0), {stash, reduced}, {stash, reduced}});
}

/// x / sqrt(mean(x^2) + epsilon) * scale
void rms_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), x.rank()));
  const int64_t count = product(x.shape(), axis, x.rank());
  const double epsilon = node.attr_or("epsilon", 1e-5f);
  std::vector<double> y = to_doubles(x);
  for (int64_t at = 0; count > 0 && at < std::ssize(y); at += count) {
    double squares = 0;
    for (int64_t i = at; i < at + count; ++i) squares += y[static_cast<size_t>(i)] * y[static_cast<size_t>(i)];
    const double divisor = std::sqrt(squares / static_cast<double>(count) + epsilon);
    for (int64_t i = at; i < at + count; ++i) y[static_cast<size_t>(i)] /= divisor;
  }
  scale_and_shift(y, x.shape(), input(in, 1), {});
  out[0] = from_doubles(x.dtype(), x.shape(), y);
}

void instance_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(x.rank() >= 2, "InstanceNormalization needs [N, C, ...]");
  std::vector<double> y = to_doubles(x);
  normalize(y, product(x.shape(), 2, x.rank()), node.attr_or("epsilon", 1e-5f));
  scale_and_shift(y, x.shape(), per_channel(input(in, 1), x.rank()), per_channel(input(in, 2), x.rank()));
  out[0] = from_doubles(x.dtype(), x.shape(), y);
}

/// Scale and bias have one element a group up to opset 20, one a channel since 21.
void group_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const int64_t groups = node.attr_or("num_groups", 0);
  require(x.rank() >= 2 && groups > 0 && x.shape()[1] % groups == 0, "the channels do not split into num_groups");
  std::vector<double> y = to_doubles(x);
  const int64_t channels = x.shape()[1], inner = product(x.shape(), 2, x.rank());
  normalize(y, channels / groups * inner, node.attr_or("epsilon", 1e-5f));
  const std::vector<double> scale = to_doubles(input(in, 1)), bias = to_doubles(input(in, 2));
  require(scale.size() == bias.size() && (std::ssize(scale) == groups || std::ssize(scale) == channels),
          "scale and bias have the wrong size");
  for (int64_t i = 0; i < std::ssize(y); ++i) {
    const int64_t channel = i / inner % channels;
    const auto at = static_cast<size_t>(std::ssize(scale) == channels ? channel : channel / (channels / groups));
    y[static_cast<size_t>(i)] = y[static_cast<size_t>(i)] * scale[at] + bias[at];
  }
  out[0] = from_doubles(x.dtype(), x.shape(), y);
}

/// (x - mean) / (standard deviation + 1e-9) over axes.
void mean_variance_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Reduction r = reduction(node.attr_or("axes", std::vector<int64_t>{0, 2, 3}), x.rank(), true);
  const std::vector<int64_t> to = output_index(x.shape(), r);
  const auto groups = static_cast<size_t>(element_count(r.output(x.shape())));
  const double count = static_cast<double>(x.size()) / static_cast<double>(groups);
  std::vector<double> y = to_doubles(x), mean(groups), variance(groups);
  for (size_t i = 0; i < y.size(); ++i) mean[static_cast<size_t>(to[i])] += y[i] / count;
  for (size_t i = 0; i < y.size(); ++i)
    variance[static_cast<size_t>(to[i])] += std::pow(y[i] - mean[static_cast<size_t>(to[i])], 2) / count;
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = (y[i] - mean[static_cast<size_t>(to[i])]) / (std::sqrt(variance[static_cast<size_t>(to[i])]) + 1e-9);
  out[0] = from_doubles(x.dtype(), x.shape(), y);
}

/// x / (sum |x|^p)^(1/p) along an axis.
void lp_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Reduction r = reduction(std::vector<int64_t>{node.attr_or("axis", -1)}, x.rank(), true);
  const auto p = static_cast<double>(node.attr_or("p", 2));
  const std::vector<int64_t> to = output_index(x.shape(), r);
  std::vector<double> y = to_doubles(x), norm(static_cast<size_t>(element_count(r.output(x.shape()))));
  for (size_t i = 0; i < y.size(); ++i) norm[static_cast<size_t>(to[i])] += std::pow(std::fabs(y[i]), p);
  for (size_t i = 0; i < y.size(); ++i) {
    const double n = norm[static_cast<size_t>(to[i])];
    y[i] = n == 0 ? 0 : y[i] / std::pow(n, 1 / p);
  }
  out[0] = from_doubles(x.dtype(), x.shape(), y);
}

/// x / (bias + alpha / size * sum of squares over `size` neighbouring channels)^beta
void lrn(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(x.rank() >= 2, "LRN needs [N, C, ...]");
  const int64_t size = node.attr_or("size", 0), channels = x.shape()[1], inner = product(x.shape(), 2, x.rank());
  require(size > 0, "LRN needs a positive size");
  const double alpha = node.attr_or("alpha", 1e-4f), beta = node.attr_or("beta", 0.75f), bias = node.attr_or("bias", 1.0f);
  const std::vector<double> from = to_doubles(x);
  std::vector<double> y(from.size());
  for (int64_t i = 0; i < std::ssize(y); ++i) {
    const int64_t c = i / inner % channels, first = std::max<int64_t>(0, c - (size - 1) / 2), last = std::min(channels - 1, c + size / 2);
    double squares = 0;
    for (int64_t n = first; n <= last; ++n) {
      const double value = from[static_cast<size_t>(i + (n - c) * inner)];
      squares += value * value;
    }
    y[static_cast<size_t>(i)] = from[static_cast<size_t>(i)] / std::pow(bias + alpha / static_cast<double>(size) * squares, beta);
  }
  out[0] = from_doubles(x.dtype(), x.shape(), y);
}

}  // namespace

extern const OpDef kLayerNormalization17{
    .name = "LayerNormalization", .since = 17, .infer = infer_layer_normalization, .eval = layer_normalization};
extern const OpDef kRMSNormalization23{.name = "RMSNormalization", .since = 23, .infer = infer_same, .eval = rms_normalization};
extern const OpDef kInstanceNormalization1{.name = "InstanceNormalization", .infer = infer_same, .eval = instance_normalization};
extern const OpDef kGroupNormalization18{.name = "GroupNormalization", .since = 18, .infer = infer_same, .eval = group_normalization};
extern const OpDef kMeanVarianceNormalization9{
    .name = "MeanVarianceNormalization", .since = 9, .infer = infer_same, .eval = mean_variance_normalization};
extern const OpDef kLpNormalization1{.name = "LpNormalization", .infer = infer_same, .eval = lp_normalization};
extern const OpDef kLRN1{.name = "LRN", .infer = infer_same, .eval = lrn};

}  // namespace qtool
