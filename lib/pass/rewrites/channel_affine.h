#pragma once
// y = scale[c] * x + shift[c]: what BatchNormalization, and Mul, Div, Add, Sub with a constant, do to each channel c. In double.

#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/helpers/numeric.h"

namespace qtool {

struct ChannelAffine {
  std::vector<double> scale, shift;
  std::string reason;  ///< not empty: why the node is no such thing
  bool ok() const { return reason.empty(); }
  bool shifts() const;
  /// One factor for all channels, no shift.
  bool is_uniform_scale() const;
};

/// Where the channels of a tensor lie.
struct Channels {
  int64_t count = 0;
  size_t rank = 0;    ///< 0: not known
  bool last = false;  ///< the last axis; else axis 1
};

/// The input that carries data: of BatchNormalization the first, of a binary operator the one that is no constant. Null: neither.
Value* data_input(const Node& node);

/// What `node` does to its data input, whose channels are given.
ChannelAffine affine_of(const Node& node, const Channels& channels);

/// x -> second(first(x))
ChannelAffine compose(const ChannelAffine& first, const ChannelAffine& second);

}  // namespace qtool
