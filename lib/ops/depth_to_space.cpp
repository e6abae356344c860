// DepthToSpace, SpaceToDepth: blocks of channels to blocks of positions and back, as reshape, transpose, reshape.
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

int64_t block_of(const Node& node) {
  const int64_t block = node.attr_or("blocksize", 0);
  require(block > 0 && block < 1 << 20, "blocksize must be positive");
  return block;
}

/// DCR: the block is the outer part of the channels; CRD: the inner.
void depth_to_space(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const int64_t b = block_of(node);
  require(x.rank() == 4 && x.shape()[1] % (b * b) == 0, "DepthToSpace needs [N, C * block^2, H, W]");
  const int64_t n = x.shape()[0], c = x.shape()[1] / (b * b), h = x.shape()[2], w = x.shape()[3];
  const bool crd = node.attr_or("mode", "DCR") == std::string("CRD");
  const Tensor moved =
      crd ? permuted(x.reshaped({n, c, b, b, h, w}), {0, 1, 4, 2, 5, 3}) : permuted(x.reshaped({n, b, b, c, h, w}), {0, 3, 4, 1, 5, 2});
  out[0] = moved.reshaped({n, c, h * b, w * b});
}

void space_to_depth(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const int64_t b = block_of(node);
  require(x.rank() == 4 && x.shape()[2] % b == 0 && x.shape()[3] % b == 0, "SpaceToDepth needs [N, C, H * block, W * block]");
  const int64_t n = x.shape()[0], c = x.shape()[1], h = x.shape()[2] / b, w = x.shape()[3] / b;
  const bool crd = node.attr_or("mode", "DCR") == std::string("CRD");
  const Tensor blocks = x.reshaped({n, c, h, b, w, b});
  out[0] = (crd ? permuted(blocks, {0, 1, 3, 5, 2, 4}) : permuted(blocks, {0, 3, 5, 1, 2, 4})).reshaped({n, c * b * b, h, w});
}

Dim scaled(const Dim& dim, int64_t up, int64_t down) { return dim.known() ? known(dim.value * up / down) : Dim{}; }

template <bool kToSpace>
TypeList infer(const Node& node, const InferInput& in) {
  const Dims& x = dims_of(in, 0);
  const int64_t b = block_of(node), channels = b * b;
  if (!x) return outputs(node, {{dtype_of(in, 0), unknown_dims(4)}});
  require(x->size() == 4, "the input must have rank 4");
  const auto space = [&](const Dim& dim) { return kToSpace ? scaled(dim, b, 1) : scaled(dim, 1, b); };
  const Dim depth = kToSpace ? scaled((*x)[1], 1, channels) : scaled((*x)[1], channels, 1);
  return outputs(node, {{dtype_of(in, 0), std::vector<Dim>{(*x)[0], depth, space((*x)[2]), space((*x)[3])}}});
}

}  // namespace

extern const OpDef kDepthToSpace1{.name = "DepthToSpace", .infer = infer<true>, .eval = depth_to_space, .quant = pass_through()};
extern const OpDef kSpaceToDepth1{.name = "SpaceToDepth", .infer = infer<false>, .eval = space_to_depth, .quant = pass_through()};

}  // namespace qtool
