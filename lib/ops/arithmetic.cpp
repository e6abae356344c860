// Add, Sub, Mul, Div, Pow, Mod: element-wise with numpy broadcasting. Integers wrap; Div of integers truncates.
#include <cmath>
#include <limits>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"

namespace qtool {
namespace {

/// Integers are computed unsigned and wide, so that overflow is defined and wraps.
template <class T>
auto wrapping(T value) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<uint64_t>(value);
  else
    return value;
}

constexpr auto kPlus = [](auto a, auto b) { return static_cast<decltype(a)>(wrapping(a) + wrapping(b)); };
constexpr auto kMinus = [](auto a, auto b) { return static_cast<decltype(a)>(wrapping(a) - wrapping(b)); };
constexpr auto kTimes = [](auto a, auto b) { return static_cast<decltype(a)>(wrapping(a) * wrapping(b)); };

constexpr auto kOver = [](auto a, auto b) {
  using T = decltype(a);
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) throw invalid_file("integer division by zero");
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(a));
  }
  return static_cast<T>(a / b);
};

/// The exponent may be of another type; the result has the base's.
void pow(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &base = input(in, 0), &exponent = input(in, 1);
  const DType dtype = base.dtype();
  const Tensor power = zip<double, double>(base.cast(DType::float64), exponent.cast(DType::float64), DType::float64,
                                           [](double a, double b) { return b == 2 ? a * a : std::pow(a, b); });
  out[0] = power.cast(dtype);
}

/// fmod = 0: the sign of the divisor (integers); fmod = 1: the sign of the dividend, as C.
template <class T>
T modulo(T a, T b, bool c_style) {
  if constexpr (std::is_floating_point_v<T>) {
    const T rest = std::fmod(a, b);
    return c_style || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b;
  } else {
    if (b == 0) throw invalid_file("integer division by zero");
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
    const T rest = static_cast<T>(a % b);
    return c_style || rest == 0 || (rest < 0) == (b < 0) ? rest : static_cast<T>(rest + b);
  }
}

void mod(const Node& node, TensorsIn in, TensorsOut out) {
  const bool c_style = node.attr_or("fmod", 0) != 0;
  out[0] = zip_number(input(in, 0), input(in, 1), [c_style](auto a, auto b) { return modulo(a, b, c_style); });
}

}  // namespace

extern const OpDef kAdd7{.name = "Add", .since = 7, .infer = infer_broadcast, .eval = eval_zip_number<kPlus>, .quant = arithmetic()};
extern const OpDef kSub7{.name = "Sub", .since = 7, .infer = infer_broadcast, .eval = eval_zip_number<kMinus>, .quant = arithmetic()};
extern const OpDef kMul7{.name = "Mul", .since = 7, .infer = infer_broadcast, .eval = eval_zip_number<kTimes>, .quant = arithmetic()};
extern const OpDef kDiv7{.name = "Div", .since = 7, .infer = infer_broadcast, .eval = eval_zip_number<kOver>, .quant = arithmetic()};
extern const OpDef kPow7{.name = "Pow", .since = 7, .infer = infer_broadcast, .eval = pow};
extern const OpDef kMod10{.name = "Mod", .since = 10, .infer = infer_broadcast, .eval = mod};

}  // namespace qtool
