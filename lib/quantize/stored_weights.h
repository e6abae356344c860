#pragma once
// Weights of calls that compute in float, as codes behind a DequantizeLinear.

#include <map>
#include <string>
#include <vector>

#include "quantize/constant_params.h"
#include "quantize/qdq_nodes.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// A weight in groups of `block` along `axis`: scales[.., i / block, ..] = scale of the codes [.., i, ..]; the last group may be shorter.
struct GroupedCodes {
  Tensor codes, scales;
  Tensor zero_points;  ///< undefined: all 0
  int axis = 0;
  int64_t block = 0;
};

/// Groups of spec.group_size, or all of the axis where that is shorter. Each group gets the range its observer finds in it.
GroupedCodes quantize_in_groups(const Tensor& weight, const ObserverSpec& spec, int axis);

/// Constants that have become codes; each is stored once for the parameters it is given.
class StoredWeights {
 public:
  StoredWeights(Graph& main, const Placement& placement) : main_(main), placement_(placement), nodes_(main) {}

  /// The table's constant is read through its DQ from now on, which takes the constant's name.
  void store(const StoredTable& table);

  /// Codes of a matrix (or a stack of them) per channel of `axis` and their scales, both initializers: W_q, W_scale. `transposed`: the
  /// last two axes change places first, and `axis` is that of the result. `factor`: of all scales.
  struct Codes {
    Value *codes, *scale, *zero_point;
  };
  /// An initializer of this value; one for all who ask with the same name.
  Value& constant(const std::string& name, Tensor value);

  Codes codes(Value& original, const ObserverSpec& spec, int axis, bool transposed, float factor);

 private:
  Value& real_of(Value& original, const StoredTable& table);
  Value& grouped(const std::string& name, const GroupedCodes& made);
  std::string take_name(Value& original);

  struct Kept {
    const Value* original;
    ObserverSpec spec;
    int axis, group_axis;
    Value* real;
  };
  struct KeptCodes {
    const Value* original;
    ObserverSpec spec;
    bool transposed;
    float factor;
    Codes codes;
  };
  Graph& main_;
  const Placement& placement_;
  QdqNodes nodes_;
  std::vector<Kept> kept_;
  std::vector<KeptCodes> kept_codes_;
  std::map<const Value*, std::string> names_;
  std::map<std::string, Value*> constants_;
};

/// The last two axes exchanged.
Tensor transposed_matrix(const Tensor& matrix);

}  // namespace qtool
