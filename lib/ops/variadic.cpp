// Sum, Mean, Max, Min of any number of inputs, with broadcasting; folded from the left.
#include <cmath>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"

namespace qtool {
namespace {

template <class F>
Tensor fold(TensorsIn in, F&& f) {
  Tensor total = input(in, 0);
  for (size_t i = 1; i < in.size(); ++i) total = zip_number(total, input(in, i), f);
  return total;
}

/// NaN wins, as in numpy.
constexpr auto kLarger = [](auto a, auto b) { return a != a || a > b ? a : b; };
constexpr auto kSmaller = [](auto a, auto b) { return a != a || a < b ? a : b; };
constexpr auto kPlus = [](auto a, auto b) { return static_cast<decltype(a)>(a + b); };

template <auto kFunction>
void eval_fold(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = fold(in, kFunction);
}

void mean(const Node&, TensorsIn in, TensorsOut out) {
  const auto count = static_cast<double>(in.size());
  out[0] = map_real(fold(in, kPlus), [count](double x) { return x / count; });
}

}  // namespace

extern const OpDef kSum6{.name = "Sum",
                         .since = 6,
                         .infer = infer_broadcast,
                         .eval = eval_fold<kPlus>,
                         .quant = {.kind = QuantTraits::Kind::arithmetic, .data_inputs = ~0u}};
extern const OpDef kMean6{.name = "Mean", .since = 6, .infer = infer_broadcast, .eval = mean};
extern const OpDef kMax6{.name = "Max", .since = 6, .infer = infer_broadcast, .eval = eval_fold<kLarger>};
extern const OpDef kMin6{.name = "Min", .since = 6, .infer = infer_broadcast, .eval = eval_fold<kSmaller>};

}  // namespace qtool
