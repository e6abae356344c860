#pragma once
// ConvTranspose whose kernel is its stride: the patches that pixels become do not overlap, so each row of a patch is a matrix product that
// is written where it belongs.

#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/float_side.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// True without padding, dilation and groups. `weights`: [in, out, kernel..].
bool has_disjoint_patches(const Node& node, const Shape& weights);

/// The step of such a node, its products read but with weights as the file has them.
std::unique_ptr<Step> patches_step(CodeProduct product, const Ending& ending, const CodeKernel& kernel);
std::unique_ptr<Step> patches_step(FloatProduct product);

}  // namespace qtool::lowerings
