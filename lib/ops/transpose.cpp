// Transpose: dimension d of the output is dimension perm[d] of the input; reversed by default.
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

std::vector<int64_t> order_of(const Node& node, size_t rank) {
  std::vector<int64_t> order = node.attr_or("perm", std::vector<int64_t>{});
  if (!node.attribute("perm"))
    for (size_t d = rank; d-- > 0;) order.push_back(static_cast<int64_t>(d));
  for (int64_t& axis : order) axis = normalize_axis(axis, rank);
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  require(order.size() == rank && std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
          "perm is no permutation of the dimensions");
  return order;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) { out[0] = permuted(input(in, 0), order_of(node, in[0].rank())); }

TypeList infer(const Node& node, const InferInput& in) {
  const Dims& x = dims_of(in, 0);
  if (!x) return infer_dtype(node, in);
  std::vector<Dim> dims;
  for (const int64_t axis : order_of(node, x->size())) dims.push_back((*x)[static_cast<size_t>(axis)]);
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kTranspose1{.name = "Transpose", .infer = infer, .eval = eval, .quant = pass_through()};

}  // namespace qtool
