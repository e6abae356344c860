// ReduceSum, Mean, Prod, Min, Max, L1, L2, LogSum, LogSumExp, SumSquare over axes. Axes are an attribute until opset 12 (ReduceSum)
// or 17 (the others), an input from then on; noop_with_empty_axes: no axes, no reduction over elements.
#include <cmath>
#include <limits>

#include "ops/helpers/axes.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// total = fold(total, x) from `start`, then finish(total, count).
struct Fold {
  double start;
  double (*fold)(double total, double x);
  double (*finish)(double total, double count);
};

double keep(double total, double) { return total; }
double add(double total, double x) { return total + x; }
double larger(double a, double x) { return std::isnan(x) || x > a ? x : a; }
double smaller(double a, double x) { return std::isnan(x) || x < a ? x : a; }

constexpr Fold kSumFold{0, add, keep};
constexpr Fold kMeanFold{0, add, [](double total, double count) { return total / count; }};
constexpr Fold kProdFold{1, [](double total, double x) { return total * x; }, keep};
constexpr Fold kMaxFold{-kInfinity, larger, keep};
constexpr Fold kMinFold{kInfinity, smaller, keep};
constexpr Fold kL1Fold{0, [](double total, double x) { return total + std::fabs(x); }, keep};
constexpr Fold kL2Fold{0, [](double total, double x) { return total + x * x; }, [](double total, double) { return std::sqrt(total); }};
constexpr Fold kSquareFold{0, [](double total, double x) { return total + x * x; }, keep};
constexpr Fold kLogSumFold{0, add, [](double total, double) { return std::log(total); }};

std::vector<double> folded(const std::vector<double>& x, const std::vector<int64_t>& to, size_t count, const Fold& f) {
  std::vector<double> y(count, f.start), n(count, 0);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<size_t>(to[i]);
    y[at] = f.fold(y[at], x[i]);
    n[at] += 1;
  }
  for (size_t at = 0; at < count; ++at) y[at] = f.finish(y[at], n[at]);
  return y;
}

template <const Fold& kFold>
std::vector<double> plain(const std::vector<double>& x, const std::vector<int64_t>& to, size_t count) {
  return folded(x, to, count, kFold);
}

/// log(sum exp(x)), with the largest taken out first.
std::vector<double> log_sum_exp(const std::vector<double>& x, const std::vector<int64_t>& to, size_t count) {
  const std::vector<double> top = folded(x, to, count, kMaxFold);
  std::vector<double> total(count, 0);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<size_t>(to[i]);
    total[at] += std::isinf(top[at]) ? std::exp(x[i]) : std::exp(x[i] - top[at]);
  }
  for (size_t at = 0; at < count; ++at) total[at] = std::log(total[at]) + (std::isinf(top[at]) ? 0 : top[at]);
  return total;
}

using Reduce = std::vector<double> (*)(const std::vector<double>&, const std::vector<int64_t>&, size_t);
using Axes = std::optional<std::vector<int64_t>>;

Reduction reduction_of(const Node& node, const Axes& axes, size_t rank) {
  const bool nothing = !axes || axes->empty();
  const bool noop = nothing && node.attr_or("noop_with_empty_axes", 0) != 0;
  return reduction(noop ? Axes(std::vector<int64_t>{}) : nothing ? Axes() : axes, rank, node.attr_or("keepdims", 1) != 0);
}

Axes axes_attribute(const Node& node) { return node.attribute("axes") ? Axes(node.attr_or("axes", std::vector<int64_t>{})) : Axes(); }
Axes axes_input(TensorsIn in) { return optional_input(in, 1).defined() ? Axes(in[1].to_ints()) : Axes(); }

void evaluate(const Node& node, const Tensor& x, const Axes& axes, TensorsOut out, Reduce reduce) {
  const Reduction r = reduction_of(node, axes, x.rank());
  const Shape shape = r.output(x.shape());
  std::vector<double> y = reduce(to_doubles(x), output_index(x.shape(), r), static_cast<size_t>(element_count(shape)));
  if (x.dtype() == DType::boolean)
    for (double& value : y) value = value > 0;  // the largest of none is false
  out[0] = from_doubles(x.dtype(), shape, y);
}

template <Reduce kReduce>
void eval_attribute(const Node& node, TensorsIn in, TensorsOut out) {
  evaluate(node, input(in, 0), axes_attribute(node), out, kReduce);
}
template <Reduce kReduce>
void eval_input(const Node& node, TensorsIn in, TensorsOut out) {
  evaluate(node, input(in, 0), axes_input(in), out, kReduce);
}

TypeList infer(const Node& node, const InferInput& in, const Axes& axes) {
  const Dims& dims = dims_of(in, 0);
  if (!dims) return infer_dtype(node, in);
  return outputs(node, {{dtype_of(in, 0), reduction_of(node, axes, dims->size()).output(*dims)}});
}

TypeList infer_attribute(const Node& node, const InferInput& in) { return infer(node, in, axes_attribute(node)); }
TypeList infer_input(const Node& node, const InferInput& in) {
  const Axes axes = ints_of(in, 1);
  if (axes || !present(node, 1)) return infer(node, in, axes);
  const Dims& dims = dims_of(in, 0);
  const bool same_rank = dims && node.attr_or("keepdims", 1) != 0;
  return outputs(node, {{dtype_of(in, 0), same_rank ? Dims(unknown_dims(dims->size())) : std::nullopt}});
}

void lift_axes(Graph& graph, Node& node) { ints_to_input(graph, node, "axes", 1); }

}  // namespace

#define REDUCTION(op, second, function, traits)                                                                              \
  extern const OpDef kReduce##op##1 {                                                                                        \
      .name = "Reduce" #op, .infer = infer_attribute, .eval = eval_attribute<function>, .quant = traits, .lift = lift_axes}; \
  extern const OpDef kReduce##op##second {                                                                                   \
    .name = "Reduce" #op, .since = second, .infer = infer_input, .eval = eval_input<function>, .quant = traits               \
  }

REDUCTION(Sum, 13, plain<kSumFold>, float_only());
REDUCTION(Mean, 18, plain<kMeanFold>, reduce());
REDUCTION(Prod, 18, plain<kProdFold>, float_only());
REDUCTION(Max, 18, plain<kMaxFold>, pass_through());
REDUCTION(Min, 18, plain<kMinFold>, pass_through());
REDUCTION(L1, 18, plain<kL1Fold>, float_only());
REDUCTION(L2, 18, plain<kL2Fold>, float_only());
REDUCTION(SumSquare, 18, plain<kSquareFold>, float_only());
REDUCTION(LogSum, 18, plain<kLogSumFold>, float_only());
REDUCTION(LogSumExp, 18, log_sum_exp, float_only());
#undef REDUCTION

}  // namespace qtool
