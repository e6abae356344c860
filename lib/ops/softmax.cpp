// Softmax, LogSoftmax, Hardmax along one axis (since opset 13), or over all dimensions from `axis` on (before).
#include <algorithm>
#include <cmath>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// One line of `count` elements, `step` apart, rewritten in place.
using Line = void (*)(double* x, int64_t count, int64_t step);

double largest(const double* x, int64_t count, int64_t step) {
  double best = x[0];
  for (int64_t i = 1; i < count; ++i) best = std::max(best, x[i * step]);
  return best;
}

void softmax(double* x, int64_t count, int64_t step) {
  const double top = largest(x, count, step);
  double total = 0;
  for (int64_t i = 0; i < count; ++i) total += x[i * step] = std::exp(x[i * step] - top);
  for (int64_t i = 0; i < count; ++i) x[i * step] /= total;
}

void log_softmax(double* x, int64_t count, int64_t step) {
  const double top = largest(x, count, step);
  double total = 0;
  for (int64_t i = 0; i < count; ++i) total += std::exp(x[i * step] - top);
  for (int64_t i = 0; i < count; ++i) x[i * step] -= top + std::log(total);
}

/// 1 at the first largest element, else 0.
void hardmax(double* x, int64_t count, int64_t step) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; ++i)
    if (x[i * step] > x[best * step]) best = i;
  for (int64_t i = 0; i < count; ++i) x[i * step] = i == best;
}

Tensor along(const Tensor& x, int64_t outer, int64_t count, int64_t inner, Line line) {
  std::vector<double> values = to_doubles(x);
  for (int64_t o = 0; count > 0 && o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) line(values.data() + o * count * inner + i, count, inner);
  return from_doubles(x.dtype(), x.shape(), values);
}

template <Line kLine>
void eval_1(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", 1), x.rank()));
  out[0] = along(x, product(x.shape(), 0, axis), product(x.shape(), axis, x.rank()), 1, kLine);
}

template <Line kLine>
void eval_13(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), x.rank()));
  out[0] = along(x, product(x.shape(), 0, axis), x.shape()[axis], product(x.shape(), axis + 1, x.rank()), kLine);
}

/// The one dimension of [axis, rank) that matters when all others are 1.
std::optional<int64_t> single_axis(const Node& node) {
  const Dims& dims = node.in(0)->type.dims;
  const int64_t axis = node.attr_or("axis", 1);
  if (axis == -1) return -1;
  if (!dims) return std::nullopt;
  int64_t found = normalize_axis(axis, dims->size());
  int64_t wide = 0;
  for (int64_t d = found; d < std::ssize(*dims); ++d)
    if ((*dims)[static_cast<size_t>(d)].value != 1) {
      found = d;
      ++wide;
    }
  return wide <= 1 ? std::optional(found) : std::nullopt;
}

/// General form: Flatten(axis) in front, along the last axis, Reshape back behind.
void lift(Graph& graph, Node& node) {
  if (const auto axis = single_axis(node)) return node.set_attribute("axis", *axis);
  Value &x = *node.in(0), &y = *node.out(0);
  Value& shape = graph.call("Shape", {&x}, graph.fresh_name(y.name() + "_shape"), &node);
  Value& flat = graph.call("Flatten", {&x}, graph.fresh_name(y.name() + "_flat"), &node);
  flat.producer().set_attribute("axis", node.attr_or("axis", 1));
  Value& result = graph.call(node.op, {&flat}, graph.fresh_name(y.name() + "_2d"), &node);
  result.producer().set_attribute("axis", int64_t{-1});
  Value& back = graph.call("Reshape", {&result, &shape}, graph.fresh_name(y.name() + "_lifted"), &node);
  back.type = y.type;
  const std::string name = y.name();
  graph.replace_uses(y, back);
  graph.erase(node);
  graph.rename(back, name);
}

}  // namespace

extern const OpDef kSoftmax1{.name = "Softmax", .infer = infer_same, .eval = eval_1<softmax>, .quant = fixed_output(0, 1), .lift = lift};
extern const OpDef kSoftmax13{.name = "Softmax", .since = 13, .infer = infer_same, .eval = eval_13<softmax>, .quant = fixed_output(0, 1)};
extern const OpDef kLogSoftmax1{.name = "LogSoftmax", .infer = infer_same, .eval = eval_1<log_softmax>, .lift = lift};
extern const OpDef kLogSoftmax13{.name = "LogSoftmax", .since = 13, .infer = infer_same, .eval = eval_13<log_softmax>};
extern const OpDef kHardmax1{.name = "Hardmax", .infer = infer_same, .eval = eval_1<hardmax>, .lift = lift};
extern const OpDef kHardmax13{.name = "Hardmax", .since = 13, .infer = infer_same, .eval = eval_13<hardmax>};

}  // namespace qtool
