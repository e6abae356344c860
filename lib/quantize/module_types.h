#pragma once
#include <string>
#include <vector>

#include "graph/node.h"

namespace qtool {

/// Module aliases of configs/modules.json that `root` is: "EmbeddingBag" where what reads it completes the pattern, "Linear" and "Conv2d"
/// by constant inputs and the rank of the weight. `call`: `root` itself, or the call of the fused group whose body holds it.
std::vector<std::string> module_types(const Node& call, const Node& root);

}  // namespace qtool
