#pragma once
#include "graph/model.h"

namespace qtool {

/// LSTM, GRU and RNN whose W and R are DequantizeLinear of constant codes: qtool.packed ones, which engines run on the codes. Not where
/// codes of 8 bits less their zero points do not fit s8, nor in blocks of an odd size.
void pack_recurrences(Model& model);

}  // namespace qtool
