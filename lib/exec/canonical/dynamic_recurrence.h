#pragma once
#include "graph/model.h"

namespace qtool {

/// Metadata key of models whose recurrences quantize their input and state at run time: {"NODE": {"activation": "uint8"}}.
inline constexpr const char* kDynamicKey = "qtool.dynamic";

/// Attributes that executable copies of such nodes carry beside kDynamicAttribute (ops/helpers/rnn.h): of each row of W and of R the scale
/// that its weights are a code of -128..127 times. Absent where the weights are no such codes.
inline constexpr const char* kRowScales[] = {"qtool_w_scales", "qtool_r_scales"};

/// Marks LSTM, GRU and RNN named in kDynamicKey. A value of the key that cannot be read is Error(invalid_file).
void mark_dynamic_recurrences(Model& model);

}  // namespace qtool
