#pragma once
#include "exec/onednn/lowerings.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {

/// True for a ConvTranspose whose kernel is its stride, without padding, dilation, groups or operands behind: its patches do not overlap.
bool has_disjoint_patches(const Cluster& cluster, const Products& products);

/// Such a ConvTranspose as one matrix product, every pixel's channels times [in, kernel... out], and a copy of the patches to their places.
/// `products` as read from the cluster: weights [in, out, kernel...].
LowerResult lower_disjoint_patches(const Cluster& cluster, Products products);

}  // namespace qtool::onednn
