// The page around a report: whatever the report's texts are, they stay data.

#include "debug/report_html.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using Json = nlohmann::ordered_json;
using qtool::debug::to_html;

namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

std::string embedded_json(const std::string& page) {
  const std::string open = "<script id=\"report\" type=\"application/json\">";
  const size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

}  // namespace

TEST_CASE("report page: holds the report as it is") {
  const Json report{{"name", "a</script><script>alert(1)</script><!--<script>&amp;{{report}}{{node.js}}"}, {"n", {1, 2.5, nullptr}}};
  CHECK(Json::parse(embedded_json(to_html(report))) == report);
}

TEST_CASE("report page: no text of the report ends or opens an element") {
  const std::string plain = to_html({{"name", "a"}}), hostile = to_html({{"name", "</script><!--<script>"}});
  for (const char* part : {"<script", "</script", "<!--"}) CHECK(count(hostile, part) == count(plain, part));
}

TEST_CASE("report page: text that is not UTF-8 does not stop it") {
  CHECK(Json::parse(embedded_json(to_html({{"name", "\xff"}})))["name"] == "\xef\xbf\xbd");
}

TEST_CASE("report page: every script is closed once and nothing comes from elsewhere") {
  const std::string page = to_html(Json::object());
  CHECK(count(page, "<script") == count(page, "</script>"));
  CHECK(count(page, " src=") == 0);
  CHECK(count(page, "default-src 'none'") == 1);
}
