#pragma once
// INT8 with something put right: what would the network's outputs be?

#include <map>
#include <set>

#include "debug/loss.h"
#include "debug/network.h"
#include "debug/walker.h"

namespace qtool::debug {

struct Variant {
  std::set<size_t> exact_nodes;        ///< of the network: their weights are FLOAT's
  std::set<int> exact_sites;           ///< these do not round
  std::map<int, QuantParams> changed;  ///< these round otherwise
};

/// Node `index` in float, weights and result: what it costs itself.
Variant without(const Network& network, size_t index);

/// What a qconfig that leaves `nodes` float comes to: a tensor that another int8 operator makes or reads stays rounded.
Variant left_float(const Network& network, const std::set<size_t>& nodes);

/// One thread, one sample at a time.
class VariantRunner {
 public:
  explicit VariantRunner(const Network& network);
  /// Runs FLOAT, and INT8 keeping every tensor.
  void begin(std::span<const Tensor> inputs);
  /// Outputs of the int8 model, and of a variant, against FLOAT's. Only what follows the first change runs.
  LossSum base() const { return base_; }
  LossSum run(const Variant& variant);

 private:
  Array at_site(const Variant& variant, const Node& observer, const Array& value);
  bool touched(const Variant& variant, size_t step, const std::vector<bool>& dirty) const;

  const Network& network_;
  Walker walker_;
  Frame kept_;
  std::vector<Tensor> real_;
  LossSum base_;
};

}  // namespace qtool::debug
