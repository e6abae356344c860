#pragma once
#include "graph/model.h"

namespace qtool {

/// com.microsoft.DynamicQuantizeLSTM with constant weights becomes LSTM with the same weights as floats, marked as mark_dynamic_recurrences
/// does.
void unquantize_dynamic_lstms(Model& model);

}  // namespace qtool
