#pragma once
// The unary operators that oneDNN can apply behind a convolution or matmul.

#include <dnnl.hpp>
#include <optional>

#include "graph/node.h"

namespace qtool::onednn {

/// One activation, on real values.
struct Activation {
  enum class Kind {
    clip,    ///< y = min(max(x, alpha), beta); ReLU is clip to [0, infinity)
    leaky,   ///< y = x >= 0 ? x : alpha * x
    affine,  ///< y = alpha * x + beta
    curve,   ///< y = algorithm(x, alpha, beta): anything that depends on the unit of x
  };
  Kind kind = Kind::curve;
  dnnl::algorithm algorithm = dnnl::algorithm::undef;
  float alpha = 0, beta = 0;
};

/// Nothing where oneDNN has no such operator, or an argument is not a constant scalar.
std::optional<Activation> activation_of(const Node& node);

}  // namespace qtool::onednn
