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
  Pairing pairing;  ///< its int8 nodes are those of `rounded`
};

/// Throws Error(invalid_file) when INT8 holds no Q/DQ, and when nothing of it has a partner in FLOAT.
Skeleton make_skeleton(const Model& int8, const Model& flat);

}  // namespace qtool::debug
