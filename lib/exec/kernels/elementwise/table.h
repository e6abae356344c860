#pragma once
// Any function of one 8-bit code as 256 entries.

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "exec/lowering.h"
#include "tensor/quant_math.h"

namespace qtool::lowerings {

using Table = std::array<uint8_t, 256>;

using FloatFunction = std::function<Tensor(const Tensor&)>;

/// The composition of unary nodes (their other inputs constant scalars) by their own eval; nothing where one has none.
std::optional<FloatFunction> chain_function(const Model& model, const std::vector<const Node*>& nodes);

/// Entry i: the code of f(real(code with the bits i)), as its bits. f maps a float tensor of 256 elements.
Table table_of(const QuantParams& in, const QuantParams& out, const FloatFunction& f);

/// A step that looks every code of its one input up: codes of type `from` become codes of type `to`.
Lowered lower_table(const Table& table, DType from, DType to);
/// The same with table_of(in, out, f): a step that looks every code of its one input up.
Lowered lower_table(const QuantParams& in, const QuantParams& out, const FloatFunction& f);

/// A step whose kernel maps its codes itself.
class TakesTable {
 public:
  virtual ~TakesTable() = default;
  /// From now on run() gives the table's entries, codes of type `to`. False where it cannot.
  virtual bool take(const Table& table, DType to) = 0;
};

/// `head`, and behind it a table that maps its codes to codes of type `to`: in its kernel where that can, else as a pass in place.
Lowered with_table(Lowered head, const Table& table, DType to);

}  // namespace qtool::lowerings
