#pragma once
#include <map>
#include <string>

#include "quantize/stored_weights.h"

namespace qtool {

/// Rewrites MatMul and Gemm to their integer form (to_dynamic.h).
class DynamicLinear {
 public:
  explicit DynamicLinear(StoredWeights& weights) : weights_(weights) {}
  /// `spec`: of the weight. Calls must come in execution order.
  void rewrite(Node& node, ObserverSpec spec);

 private:
  struct Codes {
    Value *codes, *scale, *zero_point;
  };
  const Codes& activation(Node& reader, Value& x);
  static void finish(Node& node, Value& product);

  StoredWeights& weights_;
  std::map<std::pair<const Graph*, const Value*>, Codes> made_;
};

}  // namespace qtool
