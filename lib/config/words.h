#pragma once
// The words of the two file kinds, one table for reading, writing and the schemas' tests.

#include <span>
#include <string>
#include <string_view>

#include "config/backend.h"
#include "config/cursor.h"
#include "config/qconfig.h"

namespace qtool::words {

std::span<const Word<DType>> activation_types();  ///< int8 ... float
std::span<const Word<DType>> bias_types();
std::span<const Word<QScheme>> schemes();
std::span<const Word<ObservationType>> observation_types();
std::span<const Word<Placement::Tensors>> placements();
std::span<const Word<Placement::ReluZeroPoint>> relu_zero_points();
std::span<const Word<Placement::Bias>> biases();
std::span<const Word<Placement::AddInputs>> add_inputs();
std::span<const Word<Placement::Constants>> constant_operands();
/// Rewrites of weights; the rows of lib/pass/rewrites/rewrites.inc, and "none".
std::span<const Word<std::string_view>> fuser_methods();

/// An observer's name and what it is.
struct ObserverKind {
  std::string_view name;
  bool per_channel = false;
};
std::span<const Word<ObserverKind>> observers();

/// The word of a value; empty when it has none.
template <class T>
std::string word_of(std::span<const Word<T>> table, const T& value) {
  for (const auto& [word, meaning] : table)
    if (meaning == value) return std::string(word);
  return {};
}

}  // namespace qtool::words
