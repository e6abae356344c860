#pragma once
#include <map>
#include <string>
#include <tuple>

#include "quantize/stored_weights.h"

namespace qtool {

/// Activations whose rows (last axis) each have a scale: int8, symmetric. ONNX Runtime takes no zero points by rows.
bool is_by_row(const ObserverSpec& activation);

/// Rewrites MatMul and Gemm to their integer form (to_dynamic.h).
class DynamicLinear {
 public:
  /// `opset`: of the model.
  DynamicLinear(StoredWeights& weights, int64_t opset) : weights_(weights), opset_(opset) {}
  /// Calls must come in execution order.
  void rewrite(Node& node, const QConfig& qconfig);

 private:
  struct Codes {
    Value *codes, *scale, *zero_point;  ///< zero_point null: 0
  };
  const Codes& activation(Node& reader, Value& x, const ObserverSpec& spec);
  Codes by_row(Node& reader, Value& x, const ObserverSpec& spec);
  Value& largest_by_row(Node& reader, Value& magnitudes, const std::string& name);
  Value& number(const std::string& name, float value);
  static void finish(Node& node, Value& product);

  StoredWeights& weights_;
  const int64_t opset_;
  std::map<std::tuple<const Graph*, const Value*, bool>, Codes> made_;
};

}  // namespace qtool
