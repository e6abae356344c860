#pragma once
// Gate weights of qtool.packed recurrences, as the file has them.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "exec/kernels/products/packed_codes.h"
#include "graph/model.h"

namespace qtool::lowerings {

using PackedCodes = std::variant<ByteCodes, NibbleCodes>;

/// W or R of one direction: rows of codes.
class PackedGates {
 public:
  /// Nothing where weight 0 (W) or 1 (R) of the node is such a one, and its codes less their zero points fit what kernels hold.
  static std::optional<std::string> why_not(const Node& node, size_t weight);
  /// Of a weight for which why_not() is nothing.
  PackedGates(const Node& node, size_t weight, int64_t direction);
  /// Rows [first, last) as columns.
  PackedCodes columns(int64_t first, int64_t last) const;
  /// The kernel that widens them, for profiles.
  std::string kernel() const;

 private:
  int32_t zero_at(size_t parameter) const;
  size_t parameter_at(int64_t row, size_t group) const;
  Groups groups(int64_t first, int64_t last) const;

  const Tensor &codes_, &scale_;
  const Tensor* zero_;
  int64_t direction_, rows_, inputs_;
  size_t block_;
};

}  // namespace qtool::lowerings
