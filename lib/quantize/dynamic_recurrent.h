#pragma once
#include <optional>
#include <string>

#include "quantize/stored_weights.h"

namespace qtool {

/// Why com.microsoft.DynamicQuantizeLSTM cannot stand for this node; nothing: it can.
std::optional<std::string> not_ort_lstm(const Node& node);

/// LSTM with float constants W [dirs, 4 * hidden, in] and R -> com.microsoft.DynamicQuantizeLSTM: codes [dirs, in, 4 * hidden] with one
/// scale a gate unit [dirs, 4 * hidden], zero points 0. `spec`: of the weights.
void to_ort_lstm(Model& model, Node& node, const ObserverSpec& spec, const Placement& placement);

}  // namespace qtool
