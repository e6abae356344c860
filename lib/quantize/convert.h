#pragma once
// Prepared model + statistics -> int8 model.

#include <optional>
#include <string>

#include "base/diagnostics.h"
#include "observe/stats.h"
#include "quantize/prepare.h"

namespace qtool {

struct ConvertOptions {
  std::optional<QConfigMapping> qconfig;  ///< decide again with this one
  std::string observer;                   ///< another range rule on the same statistics; "" = the qconfig's
  Dialect dialect = Dialect::onnx;        ///< of dynamic models
};

struct ConvertReport {
  size_t quantized_calls = 0, float_calls = 0, tensors = 0;
  size_t tables = 0;  ///< weights and tables kept as codes for calls that compute in float
};

/// Edits the prepared `model` into the int8 model, in the mode it was prepared for; `stats` counts in static alone. Tensors without
/// statistics stay float, with everything that needs them, each said with the reason. Throws Error(invalid_file) when `model` is not a
/// prepared model.
ConvertReport convert(Model& model, const Stats& stats, const ConvertOptions& options, Diagnostics& diagnostics);

}  // namespace qtool
