#pragma once
// What follows a product: in the product's own kernel as far as that goes, then in passes over its whole output, each of which is a kernel
// that does exactly what the cluster's float meaning says.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exec/kernels/function_step.h"

namespace qtool::lowerings {

/// y: the product's output so far, to be replaced.
using Pass = std::function<void(Array& y, StepInputs inputs, StepContext& context)>;

/// How far the product's own kernel goes, behind constants that are added.
enum class HeadKind {
  codes,           ///< ReLUs and Clips up to 8-bit codes, or nothing up to floats
  clamped_floats,  ///< ReLUs and Clips up to floats
};

/// A compute cluster in two.
struct Divided {
  Cluster head;  ///< the product and what its kernel does behind it
  std::vector<Pass> passes;
  std::string kernels;  ///< of the passes: "+arithmetic_neon+lookup_neon"
};

/// `first`: how many post-ops in front the product takes into its bias. Nothing where there is no kernel for a pass, and why.
std::optional<Divided> divide(const Model& model, const Cluster& cluster, HeadKind kind, size_t first, std::string& reason);

/// True where activations are all that stands between the product with its first `first` post-ops and 8-bit codes, and polynomials can do
/// them.
bool ends_in_curve(const Cluster& cluster, size_t first);

/// The step of the head, and the passes behind it.
Lowered with_passes(Lowered head, Divided divided);

}  // namespace qtool::lowerings
