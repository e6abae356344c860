// Expand: x and ones of a shape, broadcast. Tile: x repeated along every dimension. Where: a where the condition holds, else b.
#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

void expand(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  out[0] = expanded(x, broadcast(x.shape(), input(in, 1).to_ints()));
}

TypeList infer_expand(const Node& node, const InferInput& in) {
  if (const auto shape = ints_of(in, 1)) return outputs(node, {{dtype_of(in, 0), broadcast(dims_of(in, 0), Dims(known_dims(*shape)))}});
  const auto count = type_of(in, 1).shape();
  if (!count || count->size() != 1 || (*count)[0] > 64 || !dims_of(in, 0)) return infer_dtype(node, in);
  return outputs(node, {{dtype_of(in, 0), unknown_dims(std::max(static_cast<size_t>((*count)[0]), dims_of(in, 0)->size()))}});
}

void tile(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const std::vector<int64_t> repeats = input(in, 1).to_ints();
  require(repeats.size() == x.rank(), "Tile needs one repeat a dimension");
  // each dimension as (repeat, size), the repeat read with stride 0
  Box box;
  Shape shape;
  const Shape strides = strides_of(x.shape());
  for (size_t d = 0; d < x.rank(); ++d) {
    require(repeats[d] >= 0, "a repeat of Tile is negative");
    box.shape.insert(box.shape.end(), {repeats[d], x.shape()[d]});
    box.strides.insert(box.strides.end(), {0, strides[d]});
    shape.push_back(product({repeats[d], x.shape()[d]}, 0, 2));
  }
  out[0] = read_box(x, box).reshaped(shape);
}

TypeList infer_tile(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  const auto repeats = ints_of(in, 1);
  for (size_t d = 0; dims && d < dims->size(); ++d) {
    Dim& dim = (*dims)[d];
    dim = repeats && d < repeats->size() && dim.known() ? known(product({dim.value, (*repeats)[d]}, 0, 2)) : Dim{};
  }
  return outputs(node, {{dtype_of(in, 0), dims}});
}

void where(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &condition = input(in, 0), &a = input(in, 1), &b = input(in, 2);
  require(condition.dtype() == DType::boolean && a.dtype() == b.dtype(), "Where needs a boolean condition and branches of one type");
  Tensor y(a.dtype(), broadcast(condition.shape(), broadcast(a.shape(), b.shape())));
  const bool* test = elements<bool>(condition);
  dispatch_width(a.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T *pa = elements<T>(a), *pb = elements<T>(b);
    T* to = elements<T>(y);
    BroadcastWalk(y.shape(), {condition.shape(), a.shape(), b.shape()}).for_each_row([&](const BroadcastWalk::Row& row) {
      for (int64_t i = 0; i < row.length; ++i)
        to[row.out + i] = test[row.at[0] + i * row.steps[0]] ? pa[row.at[1] + i * row.steps[1]] : pb[row.at[2] + i * row.steps[2]];
    });
  });
  out[0] = std::move(y);
}

TypeList infer_where(const Node& node, const InferInput& in) {
  const DType dtype = dtype_of(in, 1) != DType::undefined ? dtype_of(in, 1) : dtype_of(in, 2);
  return outputs(node, {{dtype, broadcast(dims_of(in, 0), broadcast(dims_of(in, 1), dims_of(in, 2)))}});
}

}  // namespace

extern const OpDef kExpand8{.name = "Expand", .since = 8, .infer = infer_expand, .eval = expand, .quant = pass_through()};
extern const OpDef kTile6{.name = "Tile", .since = 6, .infer = infer_tile, .eval = tile, .quant = pass_through()};
extern const OpDef kWhere9{
    .name = "Where", .since = 9, .infer = infer_where, .eval = where, .quant = {.kind = QuantTraits::Kind::same_scale, .data_inputs = 6}};

}  // namespace qtool
