// NegativeLogLikelihoodLoss: -weight[t] * x[n, t, ...] for target class t. SoftmaxCrossEntropyLoss: the same of log_softmax(x).
#include <cmath>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// x as [batch, classes, inner].
struct Classes {
  int64_t batch, count, inner;
  explicit Classes(const Tensor& x) : batch(x.shape()[0]), count(x.shape()[1]), inner(product(x.shape(), 2, x.rank())) {}
  size_t at(int64_t n, int64_t c, int64_t i) const { return static_cast<size_t>((n * count + c) * inner + i); }
};

Tensor reduced(const Node& node, const Tensor& target, DType dtype, const std::vector<double>& losses, double weights) {
  const std::string reduction = node.attr_or("reduction", "mean");
  if (reduction == "none") return from_doubles(dtype, target.shape(), losses);
  double total = 0;
  for (const double loss : losses) total += loss;
  if (reduction == "mean")
    total /= weights;
  else if (reduction != "sum")
    throw invalid_file("reduction \"" + reduction + "\" is unknown");
  return from_doubles(dtype, {}, std::vector<double>{total});
}

Tensor likelihood_loss(const Node& node, const Tensor& x, const std::vector<double>& logs, const Tensor& target, const Tensor& weight) {
  const Classes classes(x);
  require(target.size() == classes.batch * classes.inner, "the target does not fit the input");
  const std::vector<int64_t> targets = target.to_ints();
  const std::vector<double> weights = weight.defined() ? to_doubles(weight) : std::vector<double>(static_cast<size_t>(classes.count), 1.0);
  require(std::ssize(weights) == classes.count, "weight must have one number a class");
  const bool ignores = node.attribute("ignore_index") != nullptr;
  const int64_t ignored = node.attr_or("ignore_index", 0);
  std::vector<double> losses;
  double total_weight = 0;
  for (int64_t n = 0; n < classes.batch; ++n)
    for (int64_t i = 0; i < classes.inner; ++i) {
      const int64_t t = targets[static_cast<size_t>(n * classes.inner + i)];
      losses.push_back(0);
      if (ignores && t == ignored) continue;
      require(t >= 0 && t < classes.count, "a target is no class");
      losses.back() = -logs[classes.at(n, t, i)] * weights[static_cast<size_t>(t)];
      total_weight += weights[static_cast<size_t>(t)];
    }
  return reduced(node, target, x.dtype(), losses, total_weight);
}

void negative_log_likelihood(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(x.rank() >= 2, "the input must be [N, C, ...]");
  out[0] = likelihood_loss(node, x, to_doubles(x), input(in, 1), optional_input(in, 2));
}

std::vector<double> log_softmax(const Tensor& x) {
  const Classes classes(x);
  std::vector<double> values = to_doubles(x);
  for (int64_t n = 0; n < classes.batch; ++n)
    for (int64_t i = 0; i < classes.inner; ++i) {
      double top = values[classes.at(n, 0, i)], total = 0;
      for (int64_t c = 0; c < classes.count; ++c) top = std::fmax(top, values[classes.at(n, c, i)]);
      for (int64_t c = 0; c < classes.count; ++c) total += std::exp(values[classes.at(n, c, i)] - top);
      for (int64_t c = 0; c < classes.count; ++c) values[classes.at(n, c, i)] -= top + std::log(total);
    }
  return values;
}

void softmax_cross_entropy(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(x.rank() >= 2 && x.shape()[1] > 0, "the input must be [N, C, ...]");
  const std::vector<double> logs = log_softmax(x);
  out[0] = likelihood_loss(node, x, logs, input(in, 1), optional_input(in, 2));
  assign(out, 1, from_doubles(x.dtype(), x.shape(), logs));
}

TypeList infer(const Node& node, const InferInput& in) {
  const bool keeps = node.attr_or("reduction", "mean") == std::string("none");
  return outputs(node, {{dtype_of(in, 0), keeps ? dims_of(in, 1) : Dims(std::vector<Dim>{})}, type_of(in, 0)});
}

}  // namespace

extern const OpDef kNegativeLogLikelihoodLoss12{
    .name = "NegativeLogLikelihoodLoss", .since = 12, .infer = infer, .eval = negative_log_likelihood};
extern const OpDef kSoftmaxCrossEntropyLoss12{
    .name = "SoftmaxCrossEntropyLoss", .since = 12, .infer = infer, .eval = softmax_cross_entropy};

}  // namespace qtool
