#include "base/natural_order.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using qtool::natural_less;

TEST_CASE("natural order: every word of a sorted list is less than exactly those behind it") {
  const std::vector<std::string> sorted{"",
                                        "0",
                                        "00",
                                        "0a",
                                        "1",
                                        "01",
                                        "2",
                                        "10",
                                        "a",
                                        "a1b1",
                                        "a01b1",
                                        "a1b2",
                                        "a01b2",
                                        "a2b",
                                        "a10",
                                        "a10b",
                                        "img9.png",
                                        "img10.png",
                                        "img99999999999999999999.png",
                                        "img100000000000000000000.png",
                                        "z",
                                        "\xc3\xa9"};
  for (size_t i = 0; i < sorted.size(); ++i)
    for (size_t j = 0; j < sorted.size(); ++j) {
      INFO('"' << sorted[i] << "\" \"" << sorted[j] << '"');
      CHECK(natural_less(sorted[i], sorted[j]) == (i < j));
    }
}
