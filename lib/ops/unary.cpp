// Unary element-wise functions without or with few attributes.
#include <cmath>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"

namespace qtool {
namespace {

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
double gauss(double x) { return 0.5 * x * (1 + std::erf(x * 0.70710678118654752440)); }
double gauss_tanh(double x) { return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))); }

constexpr auto kAbs = [](auto x) {
  if constexpr (std::is_unsigned_v<decltype(x)>)
    return x;
  else if constexpr (std::is_integral_v<decltype(x)>)
    return static_cast<decltype(x)>(x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x));
  else
    return std::fabs(x);
};
constexpr auto kNeg = [](auto x) {
  if constexpr (std::is_integral_v<decltype(x)>)
    return static_cast<decltype(x)>(uint64_t{0} - static_cast<uint64_t>(x));
  else
    return -x;
};
constexpr auto kSign = [](auto x) {
  if (x != x) return x;
  return static_cast<decltype(x)>((x > 0) - (x < 0));
};

/// max(0, min(1, alpha * x + beta))
void hard_sigmoid(const Node& node, TensorsIn in, TensorsOut out) {
  const double a = node.attr_or("alpha", 0.2f), b = node.attr_or("beta", 0.5f);
  out[0] = map_real(input(in, 0), [=](double x) { return std::fmax(0.0, std::fmin(1.0, a * x + b)); });
}

void gelu(const Node& node, TensorsIn in, TensorsOut out) {
  const std::string form = node.attr_or("approximate", "none");
  if (form != "none" && form != "tanh") throw invalid_file("approximate \"" + form + "\" is unknown");
  out[0] = map_real(input(in, 0), form == "tanh" ? gauss_tanh : gauss);
}

/// x * sigmoid(alpha * x)
void swish(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = map_real(input(in, 0), [a = static_cast<double>(node.attr_or("alpha", 1.0f))](double x) { return x * sigmoid(a * x); });
}

template <auto kTest>
void eval_test(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const std::vector<double> values = to_doubles(x);
  Tensor y(DType::boolean, x.shape());
  bool* to = elements<bool>(y);
  for (size_t i = 0; i < values.size(); ++i) to[i] = kTest(values[i]);
  out[0] = std::move(y);
}

void is_inf(const Node& node, TensorsIn in, TensorsOut out) {
  const bool negative = node.attr_or("detect_negative", 1) != 0, positive = node.attr_or("detect_positive", 1) != 0;
  const std::vector<double> values = to_doubles(input(in, 0));
  Tensor y(DType::boolean, in[0].shape());
  bool* to = elements<bool>(y);
  for (size_t i = 0; i < values.size(); ++i) to[i] = std::isinf(values[i]) && (values[i] > 0 ? positive : negative);
  out[0] = std::move(y);
}

}  // namespace

#define REAL(op, first, function)                                                                                                    \
  extern const OpDef k##op##first {                                                                                                  \
    .name = #op, .since = first, .infer = infer_same, .eval = eval_real<[](double x) -> double { return function; }>, .quant = lut() \
  }

REAL(Acos, 7, std::acos(x));
REAL(Acosh, 9, std::acosh(x));
REAL(Asin, 7, std::asin(x));
REAL(Asinh, 9, std::asinh(x));
REAL(Atan, 7, std::atan(x));
REAL(Atanh, 9, std::atanh(x));
REAL(Ceil, 1, std::ceil(x));
REAL(Cos, 7, std::cos(x));
REAL(Cosh, 9, std::cosh(x));
REAL(Erf, 9, std::erf(x));
REAL(Exp, 1, std::exp(x));
REAL(Floor, 1, std::floor(x));
REAL(HardSwish, 14, x* std::fmax(0.0, std::fmin(1.0, x / 6 + 0.5)));
REAL(Log, 1, std::log(x));
REAL(Mish, 18, x* std::tanh(softplus(x)));
REAL(Reciprocal, 1, 1 / x);
REAL(Round, 11, std::nearbyint(x));
REAL(Sin, 7, std::sin(x));
REAL(Sinh, 9, std::sinh(x));
REAL(Softplus, 1, softplus(x));
REAL(Softsign, 1, x / (1 + std::fabs(x)));
REAL(Sqrt, 1, std::sqrt(x));
REAL(Tan, 7, std::tan(x));
#undef REAL

extern const OpDef kAbs1{.name = "Abs", .infer = infer_same, .eval = eval_number<kAbs>, .quant = lut()};
extern const OpDef kNeg1{.name = "Neg", .infer = infer_same, .eval = eval_number<kNeg>, .quant = lut()};
extern const OpDef kSign9{.name = "Sign", .since = 9, .infer = infer_same, .eval = eval_number<kSign>, .quant = lut()};
extern const OpDef kSigmoid1{.name = "Sigmoid", .infer = infer_same, .eval = eval_real<sigmoid>, .quant = fixed_output(0, 1)};
extern const OpDef kTanh1{
    .name = "Tanh", .infer = infer_same, .eval = eval_real<[](double x) -> double { return std::tanh(x); }>, .quant = fixed_output(-1, 1)};
extern const OpDef kHardSigmoid1{.name = "HardSigmoid", .infer = infer_same, .eval = hard_sigmoid, .quant = fixed_output(0, 1)};
extern const OpDef kGelu20{.name = "Gelu", .since = 20, .infer = infer_same, .eval = gelu, .quant = lut()};
extern const OpDef kSwish24{.name = "Swish", .since = 24, .infer = infer_same, .eval = swish, .quant = lut()};
extern const OpDef kIsNaN9{
    .name = "IsNaN", .since = 9, .infer = infer_test, .eval = eval_test<[](double x) -> bool { return std::isnan(x); }>};
extern const OpDef kIsInf10{.name = "IsInf", .since = 10, .infer = infer_test, .eval = is_inf};

}  // namespace qtool
