// Shape: the dimensions of x, from start to end. Size: their product.
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/shape_slice.h"

namespace qtool {

namespace {

struct Cut {
  int64_t start, end;
};

Cut cut_of(const Node& node, int64_t rank) {
  const auto clamped = [rank](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  const int64_t start = clamped(node.attr_or("start", 0)), end = node.attribute("end") ? clamped(node.attr_or("end", 0)) : rank;
  return {start, std::max(start, end)};
}

void eval_shape(const Node& node, TensorsIn in, TensorsOut out) { out[0] = shape_slice(node, input(in, 0).shape()); }

TypeList infer_shape(const Node& node, const InferInput& in) {
  const Dims& dims = dims_of(in, 0);
  if (!dims) return outputs(node, {{DType::int64, unknown_dims(1)}});
  const Cut cut = cut_of(node, std::ssize(*dims));
  return outputs(node, {ValueType::of(DType::int64, {cut.end - cut.start})});
}

void eval_size(const Node&, TensorsIn in, TensorsOut out) { out[0] = Tensor::scalar<int64_t>(input(in, 0).size()); }
TypeList infer_size(const Node& node, const InferInput&) { return outputs(node, {ValueType::of(DType::int64, {})}); }

}  // namespace

Tensor shape_slice(const Node& node, const Shape& shape) {
  const Cut cut = cut_of(node, std::ssize(shape));
  return Tensor::of<int64_t>({cut.end - cut.start}, Shape(shape.begin() + cut.start, shape.begin() + cut.end));
}

extern const OpDef kShape1{.name = "Shape", .infer = infer_shape, .eval = eval_shape};
extern const OpDef kSize1{.name = "Size", .infer = infer_size, .eval = eval_size};

}  // namespace qtool
