#pragma once
// What a QuantizeLinear or DequantizeLinear says, where engines can take it as given: constant scale, zero point constant or
// absent, scale finite and positive, per tensor or per channel (not per block).

#include <optional>

#include "exec/cluster.h"

namespace qtool {

/// Constant input i; null where it is omitted or computed.
const Tensor* constant_in(const Node& node, size_t i);

bool is_quantize(const Node& node);
bool is_dequantize(const Node& node);

/// Element type of a value as far as known: its constant's, its declared type's, or its QuantizeLinear's.
DType dtype_of(const Value& value);

/// Parameters of a Q or DQ; nothing for other nodes and for those that must be computed literally.
std::optional<QuantParams> params_of(const Node& node);

/// The codes a DequantizeLinear turned into `real`; nothing when something else made it.
std::optional<Operand> codes_behind(const Value* real);
/// As codes_behind, per tensor alone.
std::optional<Operand> tensor_codes_behind(const Value* real);

}  // namespace qtool
