#pragma once
#include <string_view>

namespace qtool {

/// Order of sample ids: runs of digits compare as numbers of any length ("img9" < "img10"), everything else by bytes. Between ids equal
/// by that, the first number with fewer leading zeros decides ("1" < "01"). A total order.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace qtool
