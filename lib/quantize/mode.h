#pragma once
// What is quantized when (SPEC 7).

#include <optional>
#include <string>
#include <string_view>

#include "config/qconfig.h"
#include "graph/model.h"

namespace qtool {

enum class Mode {
  static_range,  ///< weights and activations, ranges from calibration
  dynamic,       ///< weights; activations when they are known, at run time
  weight_only,   ///< weights alone, stored as codes and computed in float
};

/// Operators the written file may hold beside ONNX's own.
enum class Dialect {
  onnx,  ///< none
  ort,   ///< those of ONNX Runtime's domain com.microsoft
};

std::string_view name_of(Mode mode);  ///< "static", "dynamic", "weight-only"
std::optional<Mode> mode_named(std::string_view name);

/// Metadata key that every prepared model has, and no converted one.
inline constexpr const char* kModeKey = "qtool.mode";
/// The mode a model was prepared for; static where it does not say. Throws Error(invalid_file) on an unknown one.
Mode mode_of(const Model& prepared);

/// The mode a qconfig is made for: dynamic where all activations are quantized at run time, weight-only where none is quantized and
/// weights are; nothing where its rules do not agree or quantize nothing.
std::optional<Mode> mode_of(const QConfigMapping& qconfig);

}  // namespace qtool
