#pragma once
// INT8 without its Q and DQ, twice: the same graph with the weights of FLOAT, and with INT8's own, dequantized. Where an activation went
// through Q and DQ stands an observer (a site). Running both in step, and rounding at the sites or not, gives every loss of the report.

#include <optional>
#include <string>
#include <vector>

#include "debug/float_side.h"
#include "debug/pairing.h"
#include "tensor/quant_math.h"

namespace qtool::debug {

/// One Q with the DQ behind it, on an activation.
struct Site {
  std::string tensor;  ///< its float name
  QuantParams params;
};

/// One constant that INT8 holds as codes.
struct QuantizedConstant {
  std::string initializer;            ///< in the skeleton
  std::string name;                   ///< in FLOAT, where paired; else in INT8
  std::string node;                   ///< path of the first node that reads it, in the skeleton
  size_t input = 0;                   ///< of that node
  std::optional<QuantParams> params;  ///< nothing: in blocks
  Tensor codes, dequantized;
  Tensor real;  ///< FLOAT's; undefined when not paired
};

struct Skeleton {
  Model exact, rounded;     ///< weights of FLOAT, weights of INT8
  std::vector<Site> sites;  ///< by the number in the observers' attribute "tensor"
  std::vector<QuantizedConstant> constants;
  Pairing pairing;     ///< its int8 nodes are those of `rounded`
  size_t side = 0;     ///< the way of fusing FLOAT most nodes are paired under
  size_t matched = 0;  ///< constants held as codes that have a partner
};

/// A Relu or Clip of FLOAT that INT8 leaves to the rounding behind it is put back. Constants closer to zero than to their partner
/// (SQNR below 0 dB, which rounding cannot give) are none: neither they nor the others of their node are paired.
/// Throws Error(invalid_file) when INT8 holds no Q/DQ.
Skeleton make_skeleton(const Model& int8, const std::vector<FloatSide>& sides);

}  // namespace qtool::debug
