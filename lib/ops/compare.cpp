// Comparison, logic and bits, element-wise with broadcasting.
#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"

namespace qtool {
namespace {

/// Strings compare for equality alone.
void equal(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1);
  if (a.dtype() != DType::string) {
    out[0] = zip_compare(a, b, [](auto x, auto y) { return x == y; });
    return;
  }
  require_same_type(a, b);
  Tensor y(DType::boolean, broadcast(a.shape(), b.shape()));
  bool* to = elements<bool>(y);
  BroadcastWalk(y.shape(), {a.shape(), b.shape()}).for_each_row([&](const BroadcastWalk::Row& row) {
    for (int64_t i = 0; i < row.length; ++i)
      to[row.out + i] =
          a.strings()[static_cast<size_t>(row.at[0] + i * row.steps[0])] == b.strings()[static_cast<size_t>(row.at[1] + i * row.steps[1])];
  });
  out[0] = std::move(y);
}

template <auto kFunction>
void logic(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1);
  if (a.dtype() != DType::boolean || b.dtype() != DType::boolean) refuse_type(a.dtype());
  out[0] = zip<bool, bool>(a, b, DType::boolean, kFunction);
}

void logical_not(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  if (x.dtype() != DType::boolean) refuse_type(x.dtype());
  Tensor y(DType::boolean, x.shape());
  const bool* from = elements<bool>(x);
  bool* to = elements<bool>(y);
  for (int64_t i = 0; i < x.size(); ++i) to[i] = !from[i];
  out[0] = std::move(y);
}

template <class F>
Tensor zip_integer(const Tensor& a, const Tensor& b, F&& f) {
  require_same_type(a, b);
  return dispatch_integer(a.dtype(), [&](auto kind) { return zip<decltype(kind), decltype(kind)>(a, b, a.dtype(), f); });
}

template <auto kFunction>
void bits(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = zip_integer(input(in, 0), input(in, 1), kFunction);
}

void bitwise_not(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  Tensor y(x.dtype(), x.shape());
  dispatch_integer(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(y);
    for (int64_t i = 0; i < x.size(); ++i) to[i] = static_cast<T>(~from[i]);
  });
  out[0] = std::move(y);
}

/// Shifts by the width or more give 0 (left, or right of a positive number) or the sign.
template <class T>
T shifted(T value, T by, bool left) {
  const auto width = static_cast<uint64_t>(8 * sizeof(T));
  const auto count = static_cast<uint64_t>(by);
  if (left) return count >= width ? T{0} : static_cast<T>(static_cast<uint64_t>(value) << count);
  return static_cast<T>(value >> std::min(count, std::is_signed_v<T> ? width - 1 : uint64_t{63})) * T{std::is_signed_v<T> || count < width};
}

void bit_shift(const Node& node, TensorsIn in, TensorsOut out) {
  const std::string direction = node.attr_or("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") throw invalid_file("direction \"" + direction + "\" is unknown");
  out[0] = zip_integer(input(in, 0), input(in, 1), [left = direction == "LEFT"](auto a, auto b) { return shifted(a, b, left); });
}

constexpr auto kLess = [](auto a, auto b) { return a < b; };
constexpr auto kLessOrEqual = [](auto a, auto b) { return a <= b; };
constexpr auto kGreater = [](auto a, auto b) { return a > b; };
constexpr auto kGreaterOrEqual = [](auto a, auto b) { return a >= b; };
constexpr auto kAnd = [](bool a, bool b) { return a && b; };
constexpr auto kOr = [](bool a, bool b) { return a || b; };
constexpr auto kXor = [](bool a, bool b) { return a != b; };
constexpr auto kBitAnd = [](auto a, auto b) { return static_cast<decltype(a)>(a & b); };
constexpr auto kBitOr = [](auto a, auto b) { return static_cast<decltype(a)>(a | b); };
constexpr auto kBitXor = [](auto a, auto b) { return static_cast<decltype(a)>(a ^ b); };

}  // namespace

extern const OpDef kEqual7{.name = "Equal", .since = 7, .infer = infer_compare, .eval = equal};
extern const OpDef kLess7{.name = "Less", .since = 7, .infer = infer_compare, .eval = eval_zip_compare<kLess>};
extern const OpDef kLessOrEqual12{.name = "LessOrEqual", .since = 12, .infer = infer_compare, .eval = eval_zip_compare<kLessOrEqual>};
extern const OpDef kGreater7{.name = "Greater", .since = 7, .infer = infer_compare, .eval = eval_zip_compare<kGreater>};
extern const OpDef kGreaterOrEqual12{
    .name = "GreaterOrEqual", .since = 12, .infer = infer_compare, .eval = eval_zip_compare<kGreaterOrEqual>};
extern const OpDef kAnd7{.name = "And", .since = 7, .infer = infer_compare, .eval = logic<kAnd>};
extern const OpDef kOr7{.name = "Or", .since = 7, .infer = infer_compare, .eval = logic<kOr>};
extern const OpDef kXor7{.name = "Xor", .since = 7, .infer = infer_compare, .eval = logic<kXor>};
extern const OpDef kNot1{.name = "Not", .infer = infer_same, .eval = logical_not};
extern const OpDef kBitwiseAnd18{.name = "BitwiseAnd", .since = 18, .infer = infer_broadcast, .eval = bits<kBitAnd>};
extern const OpDef kBitwiseOr18{.name = "BitwiseOr", .since = 18, .infer = infer_broadcast, .eval = bits<kBitOr>};
extern const OpDef kBitwiseXor18{.name = "BitwiseXor", .since = 18, .infer = infer_broadcast, .eval = bits<kBitXor>};
extern const OpDef kBitwiseNot18{.name = "BitwiseNot", .since = 18, .infer = infer_same, .eval = bitwise_not};
extern const OpDef kBitShift11{.name = "BitShift", .since = 11, .infer = infer_broadcast, .eval = bit_shift};

}  // namespace qtool
