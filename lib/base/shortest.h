#pragma once
#include <charconv>

namespace qtool {

/// The double whose shortest decimal is that of `value`, so that writing it gives "0.1", not "0.10000000149011612"; it reads back as
/// `value`.
inline double shortest_decimal(float value) {
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  double decimal = 0;
  std::from_chars(text, end, decimal);
  return static_cast<float>(decimal) == value ? decimal : static_cast<double>(value);
}

}  // namespace qtool
