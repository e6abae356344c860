#pragma once
// Least and greatest value of every slice along one axis.

#include <vector>

#include "observe/min_max.h"
#include "tensor/tensor.h"

namespace qtool {

struct ChannelMinMax {
  std::vector<MinMax> channels;  ///< empty: nothing seen

  /// `tensor` float32; slices along `axis` (normalised). Throws Error(invalid_file) when the number of channels changes.
  void observe(const Tensor& tensor, int axis);
  void merge(const ChannelMinMax& other);
  nlohmann::ordered_json to_json() const;
  static ChannelMinMax from_json(const nlohmann::ordered_json& json);
  bool operator==(const ChannelMinMax&) const = default;
};

}  // namespace qtool
