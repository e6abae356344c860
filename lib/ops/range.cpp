// Range: start, start + delta, ... before limit. NonZero: indices of what is not 0. OneHot. EyeLike. Trilu. CumSum.
#include <cmath>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

int64_t range_count(const Tensor& start, const Tensor& limit, const Tensor& delta) {
  const double step = delta.number_at(0);
  require(step != 0, "delta of Range is 0");
  const double count = std::ceil((limit.number_at(0) - start.number_at(0)) / step);
  require(count < 0x1p40, "Range is too long");
  return count > 0 ? static_cast<int64_t>(count) : 0;
}

void range(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &start = input(in, 0), &limit = input(in, 1), &delta = input(in, 2);
  require(start.size() == 1 && limit.size() == 1 && delta.size() == 1, "Range needs scalars");
  std::vector<double> values(static_cast<size_t>(range_count(start, limit, delta)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = start.number_at(0) + static_cast<double>(i) * delta.number_at(0);
  out[0] = from_doubles(start.dtype(), {std::ssize(values)}, values);
}

TypeList infer_range(const Node& node, const InferInput& in) {
  const Tensor *start = constant_of(in, 0), *limit = constant_of(in, 1), *delta = constant_of(in, 2);
  const bool all = start && limit && delta && start->size() == 1 && limit->size() == 1 && delta->size() == 1;
  return outputs(node, {{dtype_of(in, 0), std::vector<Dim>{all ? known(range_count(*start, *limit, *delta)) : Dim{}}}});
}

void non_zero(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const std::vector<double> values = to_doubles(x);
  std::vector<Shape> found;
  size_t i = 0;
  for_each_index(x.shape(), [&](const Shape& index) {
    if (values[i++] != 0) found.push_back(index);
  });
  Tensor y(DType::int64, {std::ssize(x.shape()), std::ssize(found)});
  int64_t* to = elements<int64_t>(y);
  for (size_t d = 0; d < x.rank(); ++d)
    for (const Shape& index : found) *to++ = index[d];
  out[0] = std::move(y);
}

TypeList infer_non_zero(const Node& node, const InferInput& in) {
  const Dims& dims = dims_of(in, 0);
  return outputs(node, {{DType::int64, std::vector<Dim>{dims ? known(std::ssize(*dims)) : Dim{}, Dim{}}}});
}

void one_hot(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &indices = input(in, 0), &pair = input(in, 2);
  require(input(in, 1).size() == 1 && pair.size() == 2, "OneHot needs one depth and two values");
  const auto depth = static_cast<int64_t>(in[1].number_at(0));
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), indices.rank() + 1));
  Shape shape = indices.shape();
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  const int64_t inner = product(indices.shape(), axis, indices.rank());
  std::vector<double> values(static_cast<size_t>(element_count(shape)), pair.number_at(0));
  const std::vector<int64_t> at = indices.to_ints();
  for (int64_t i = 0; i < indices.size(); ++i) {
    const int64_t index = at[static_cast<size_t>(i)] < 0 ? at[static_cast<size_t>(i)] + depth : at[static_cast<size_t>(i)];
    if (index >= 0 && index < depth) values[static_cast<size_t>((i / inner * depth + index) * inner + i % inner)] = pair.number_at(1);
  }
  out[0] = from_doubles(pair.dtype(), shape, values);
}

TypeList infer_one_hot(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  const Tensor* depth = constant_of(in, 1);
  if (dims) {
    const auto axis = normalize_axis(node.attr_or("axis", -1), dims->size() + 1);
    dims->insert(dims->begin() + axis, depth && depth->size() == 1 ? known(static_cast<int64_t>(depth->number_at(0))) : Dim{});
  }
  return outputs(node, {{dtype_of(in, 2), dims}});
}

DType eye_type(const Node& node, DType from) {
  const auto stated = static_cast<DType>(node.attr_or("dtype", int64_t{0}));
  return stated == DType::undefined ? from : stated;
}

void eye_like(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(x.rank() == 2, "EyeLike needs a matrix");
  const int64_t k = node.attr_or("k", 0), columns = x.shape()[1];
  std::vector<double> values(static_cast<size_t>(x.size()));
  for (int64_t i = 0; i < x.size(); ++i) values[static_cast<size_t>(i)] = i % columns - i / columns == k;
  out[0] = from_doubles(eye_type(node, x.dtype()), x.shape(), values);
}

TypeList infer_eye_like(const Node& node, const InferInput& in) {
  return outputs(node, {{eye_type(node, dtype_of(in, 0)), dims_of(in, 0)}});
}

/// Zeros below (upper = 1) or above diagonal k of every matrix.
void trilu(const Node& node, TensorsIn in, TensorsOut out) {
  Tensor y = input(in, 0);
  require(y.rank() >= 2, "Trilu needs matrices");
  const int64_t k = optional_input(in, 1).defined() ? in[1].to_ints().at(0) : 0;
  const bool upper = node.attr_or("upper", 1) != 0;
  const int64_t rows = y.shape()[y.rank() - 2], columns = y.shape().back(), total = y.size();
  dispatch_width(y.dtype(), [&](auto kind) {
    auto* to = elements<decltype(kind)>(y);
    for (int64_t i = 0; i < total; ++i) {
      const int64_t diagonal = i % columns - i / columns % rows;
      if (upper ? diagonal < k : diagonal > k) to[i] = 0;
    }
  });
  out[0] = std::move(y);
}

/// Running sum or product along an axis; exclusive leaves the element itself out, reverse starts at the end.
template <bool kProduct>
void cumulative(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(input(in, 1).size() == 1, "the axis must be one number");
  const auto axis = static_cast<size_t>(normalize_axis(in[1].to_ints()[0], x.rank()));
  const bool exclusive = node.attr_or("exclusive", 0) != 0, reverse = node.attr_or("reverse", 0) != 0;
  const int64_t outer = product(x.shape(), 0, axis), count = x.shape()[axis], inner = product(x.shape(), axis + 1, x.rank());
  std::vector<double> values = to_doubles(x);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t n = 0; n < inner; ++n) {
      double total = kProduct ? 1 : 0;
      for (int64_t i = 0; i < count; ++i) {
        double& value = values[static_cast<size_t>((o * count + (reverse ? count - 1 - i : i)) * inner + n)];
        const double with = kProduct ? total * value : total + value;
        value = exclusive ? total : with;
        total = with;
      }
    }
  out[0] = from_doubles(x.dtype(), x.shape(), values);
}

}  // namespace

extern const OpDef kRange11{.name = "Range", .since = 11, .infer = infer_range, .eval = range};
extern const OpDef kNonZero9{.name = "NonZero", .since = 9, .infer = infer_non_zero, .eval = non_zero};
extern const OpDef kOneHot9{.name = "OneHot", .since = 9, .infer = infer_one_hot, .eval = one_hot};
extern const OpDef kEyeLike9{.name = "EyeLike", .since = 9, .infer = infer_eye_like, .eval = eye_like};
extern const OpDef kTrilu14{.name = "Trilu", .since = 14, .infer = infer_same, .eval = trilu};
extern const OpDef kCumSum11{.name = "CumSum", .since = 11, .infer = infer_same, .eval = cumulative<false>};
extern const OpDef kCumProd26{.name = "CumProd", .since = 26, .infer = infer_same, .eval = cumulative<true>};

}  // namespace qtool
