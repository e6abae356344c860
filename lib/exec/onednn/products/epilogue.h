#pragma once
// What follows the sum of products of a convolution or matmul: from a cluster's post-ops and output to oneDNN's post-ops.
//
// The register holds v with  real y = unit * v + offset.  The primitive's own scales make v begin in the unit that the first
// step behind wants, so that most epilogues need no multiplication at all:
//   inner Q (s, z)       v = y / s;          round(v), clip to [lo - z, hi - z]           the rounding of SPEC 8, kept
//   residual (s, z)      v = y / s - z;      v + codes                                    codes are added as they lie
//   output (s, z)        v = y / s + z;      rounding and saturation are oneDNN's         a ReLU that saturation does is dropped
//   float output, curves v = y

#include <dnnl.hpp>
#include <string>
#include <vector>

#include "exec/cluster.h"
#include "exec/kernels/products/operands.h"
#include "exec/onednn/primitive_step.h"

namespace qtool::onednn {

struct Epilogue {
  struct Operation {
    dnnl::algorithm algorithm;  ///< eltwise_*, or binary_add / binary_mul with `operand`
    float alpha = 0, beta = 0;
    const Operand* operand = nullptr;
  };
  std::vector<Operation> operations;
  double unit = 1, offset = 0;  ///< of v as the primitive must deliver it
  std::vector<float> bias;      ///< added to y by leading constant Adds, one a channel; empty: none
  DType out_dtype = DType::float32;
};

/// `factors`: y / accumulator, one a channel (int8), for telling scales on which ties are common; empty for float.
/// On refusal returns nothing and says why.
std::optional<Epilogue> plan_epilogue(const Cluster& cluster, const Channels& channels, const std::vector<float>& factors,
                                      std::string& reason);

/// The post-ops for an output that the primitive sees as `out_shape`: compiled.out_shape, or the matrix of its rows. Adds the arguments
/// of their operands to `compiled`.
dnnl::post_ops make_post_ops(const Epilogue& epilogue, const Cluster& cluster, const std::vector<Shape>& inputs, const Shape& out_shape,
                             Layout layout, Compiled& compiled);

}  // namespace qtool::onednn
