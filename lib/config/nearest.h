#pragma once
// "Did you mean": the known word closest to one that is not known.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qtool {

/// Levenshtein distance in bytes; words above 128 bytes compare by their first 128.
size_t edit_distance(std::string_view a, std::string_view b);

/// The word of `known` with the least distance, the first of equals; empty where none is within a third of the word's length (at
/// least 2).
std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace qtool
