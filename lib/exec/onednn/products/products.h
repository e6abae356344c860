#pragma once
// What convolutions, transposed convolutions and matmuls with constant weights have in common: scales, bias, zero points, packing.

#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "exec/onednn/products/epilogue.h"

namespace qtool::onednn {

/// accumulator = sum over (x - zero_point) * weights;  y = accumulator * factors[c] + bias[c];  then the epilogue.
struct Products {
  DType in_dtype = DType::float32;
  int32_t zero_point = 0;            ///< of x
  Tensor weights;                    ///< s8, or f32
  std::vector<float> factors;        ///< int8 only
  std::vector<float> bias;           ///< real, one a channel
  std::vector<int64_t> weight_sums;  ///< int8: sum of the weights of a channel, where all of them meet every output; else empty
  Epilogue epilogue;
  bool int8() const { return in_dtype != DType::float32; }

  /// Multipliers of the accumulator and bias in the epilogue's first unit.
  std::vector<float> scales() const;
  std::vector<float> shifts(bool fold_zero_point, int64_t count) const;
  /// True where -zero_point * weight_sums may go into the bias without loss.
  bool may_fold_zero_point() const;

  /// Sets the attributes of scales and zero point and adds their arguments. `mask`: oneDNN's, of the weights' channel dimensions.
  void apply(dnnl::primitive_attr& attr, int mask, bool fold_zero_point, Compiled& compiled) const;
};

/// Reads input, weight, bias and post-ops of a compute cluster. `axis`: the weight's channel axis. Weights are as the file has them.
std::optional<Products> read_products(const Cluster& cluster, int axis, const Channels& channels, std::string& reason);

/// Packed weights by descriptor, so that specializations share them. Guarded.
class PackedWeights {
 public:
  dnnl::memory get(const Tensor& weights, const dnnl::memory::desc& from, const dnnl::memory::desc& to);

 private:
  std::mutex mutex_;
  std::vector<std::pair<dnnl::memory::desc, dnnl::memory>> packed_;
};

}  // namespace qtool::onednn
