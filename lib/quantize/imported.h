#pragma once
// Models that hold Q/DQ already: exported after quantization-aware training, or written by another quantizer. Their scales are kept.

#include "config/backend.h"
#include "graph/model.h"

namespace qtool {

/// Metadata key of prepared models that held Q/DQ: kKept, nothing is added, or kCompleted, what they leave float is decided as usual.
inline constexpr const char* kImportedKey = "qtool.imported";
inline constexpr const char* kKept = "kept";
inline constexpr const char* kCompleted = "completed";

/// How many QuantizeLinear and DequantizeLinear there are, bodies included.
size_t count_qdq(const Model& model);

/// Float biases of Conv, ConvTranspose and Gemm between Q/DQ become int32 with scale = input scale x weight scale, as integer kernels
/// take them; where the backend wants biases float, nothing is done. Other parameters are left to the bit. Returns how many there were.
size_t store_biases(Model& model, const Placement& placement);

}  // namespace qtool
