#pragma once
// Loops of element-wise operators. The lambda is the operator; these only find the elements.

#include "ops/helpers/broadcast.h"
#include "ops/helpers/numeric.h"

namespace qtool {

/// y = f(x) on reals; f: double -> double, rounded once at the end.
template <class F>
Tensor map_real(const Tensor& x, F&& f) {
  Tensor y(x.dtype(), x.shape());
  dispatch_real(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(y);
    for (int64_t i = 0; i < x.size(); ++i) to[i] = narrow<T>(static_cast<Wide<T>>(f(static_cast<double>(widen(from[i])))));
  });
  return y;
}

/// y = f(x) on any number; f: Wide<T> -> Wide<T> for every T.
template <class F>
Tensor map_number(const Tensor& x, F&& f) {
  Tensor y(x.dtype(), x.shape());
  dispatch_number(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(y);
    for (int64_t i = 0; i < x.size(); ++i) to[i] = narrow<T>(static_cast<Wide<T>>(f(widen(from[i]))));
  });
  return y;
}

/// out = f(a, b) with broadcasting; T: stored type of both, R: stored type of the result; f: (Wide<T>, Wide<T>) -> Wide<R>.
template <class T, class R, class F>
Tensor zip(const Tensor& a, const Tensor& b, DType result, F&& f) {
  Tensor out(result, broadcast(a.shape(), b.shape()));
  BroadcastWalk walk(out.shape(), {a.shape(), b.shape()});
  const T* pa = elements<T>(a);
  const T* pb = elements<T>(b);
  R* to = elements<R>(out);
  walk.for_each_row([&](const BroadcastWalk::Row& row) {
    const T* x = pa + row.at[0];
    const T* y = pb + row.at[1];
    const int64_t step_x = row.steps[0], step_y = row.steps[1];
    for (int64_t i = 0; i < row.length; ++i)
      to[row.out + i] = narrow<R>(static_cast<Wide<R>>(f(widen(x[i * step_x]), widen(y[i * step_y]))));
  });
  return out;
}

inline void require_same_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    throw invalid_file("inputs of types " + std::string(name_of(a.dtype())) + " and " + std::string(name_of(b.dtype())));
}

/// zip over the numbers, result of the same type.
template <class F>
Tensor zip_number(const Tensor& a, const Tensor& b, F&& f) {
  require_same_type(a, b);
  return dispatch_number(a.dtype(), [&](auto kind) { return zip<decltype(kind), decltype(kind)>(a, b, a.dtype(), f); });
}

/// zip to booleans.
template <class F>
Tensor zip_compare(const Tensor& a, const Tensor& b, F&& f) {
  require_same_type(a, b);
  return dispatch(a.dtype(), [&](auto kind) { return zip<decltype(kind), bool>(a, b, DType::boolean, f); });
}

/// EvalFn of a unary operator on reals without attributes.
template <auto kFunction>
void eval_real(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = map_real(input(in, 0), kFunction);
}
template <auto kFunction>
void eval_number(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = map_number(input(in, 0), kFunction);
}
template <auto kFunction>
void eval_zip_number(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = zip_number(input(in, 0), input(in, 1), kFunction);
}
template <auto kFunction>
void eval_zip_compare(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = zip_compare(input(in, 0), input(in, 1), kFunction);
}

}  // namespace qtool
