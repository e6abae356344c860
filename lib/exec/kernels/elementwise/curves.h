#pragma once
// Chains of unary operators on float vectors.

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exec/cluster.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

struct CurveStep {
  kernels::CurveKind kind;
  float alpha = 0, beta = 0;
};
using Curves = std::vector<CurveStep>;

/// The curves a unary node computes (mostly one); nothing where it is no such node or we have none.
std::optional<Curves> curves_of(const Node& node);
/// Of activations alone; nothing when a post-op is another kind or unknown.
std::optional<Curves> curves_of(std::span<const PostOp> post_ops);

/// What Relu and Clip one after the other let through; nothing when there is another operator.
struct Bounds {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
std::optional<Bounds> bounds_of(std::span<const PostOp> post_ops);

/// Applies the chain to n floats; in and out may be the same. An empty chain copies.
void apply(const Curves& curves, const float* in, float* out, size_t n);

}  // namespace qtool::lowerings
