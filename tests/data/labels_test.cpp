#include "data/labels.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>

#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;

TEST_CASE("labels: found by id, or without extensions") {
  const Labels labels = Labels::parse("file,label\n0.png,3\nsub/1.png,0\n\"a,\"\"b\"\".png\",5\n", "l.csv");
  CHECK(labels.size() == 3);
  CHECK(labels.find("0.png") == 3);
  CHECK(labels.find("0.npy") == 3);
  CHECK(labels.find("sub/1") == 0);
  CHECK(labels.find("a,\"b\".png") == 5);
  CHECK_FALSE(labels.find("1.png"));
}

TEST_CASE("labels: a name without extension that fits two rows is no answer") {
  const Labels labels = Labels::parse("file,label\n0.png,3\n0.jpg,4\n1.png,1\n1.jpg,1\n", "l.csv");
  CHECK(labels.find("0.jpg") == 4);
  CHECK_FALSE(labels.find("0.npy"));
  CHECK(labels.find("1.npy") == 1);
}

TEST_CASE("labels: line ends of Windows, a byte order mark, a last line without end") {
  const Labels labels = Labels::parse(
      "\xef\xbb\xbf"
      "file,label\r\na.png,1\r\n\r\nb.png,2",
      "l.csv");
  CHECK(labels.find("a.png") == 1);
  CHECK(labels.find("b.png") == 2);
}

TEST_CASE("labels: mistakes are named with their line") {
  const auto [text, message] = GENERATE(table<std::string, std::string>(
      {{"", "3: l.csv:0: expected the header file,label"},
       {"a.png,1\n", "3: l.csv:1: expected the header file,label"},
       {"file,label\na.png\n", "3: l.csv:2: expected 2 fields, found 1"},
       {"file,label\n\na.png,1,2\n", "3: l.csv:3: expected 2 fields, found 3"},
       {"file,label\na.png,x\n", "3: l.csv:2: expected a class index of 0 or more, found \"x\""},
       {"file,label\na.png,-1\n", "3: l.csv:2: expected a class index of 0 or more, found \"-1\""},
       {"file,label\na.png,1.0\n", "3: l.csv:2: expected a class index of 0 or more, found \"1.0\""},
       {"file,label\na.png,1\na.png,1\n", "3: l.csv:3: \"a.png\" is listed twice"},
       {"file,label\n\"a.png,1\n", "3: l.csv:2: a quoted field does not end"},
       {"file,label\n\"a\"b,1\n", "3: l.csv:2: a comma or the end of the line is missing after a quoted field"}}));
  CHECK(error_of([&] { Labels::parse(text, "l.csv"); }) == message);
}
