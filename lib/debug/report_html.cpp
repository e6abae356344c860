#include "debug/report_html.h"

#include <nlohmann/json.hpp>
#include <span>

#include "base/embedded_file.h"
#include "base/error.h"

namespace qtool {
std::span<const EmbeddedFile> embedded_page();
}

namespace qtool::debug {
namespace {

std::string_view page_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_page())
    if (file.path.ends_with("/" + std::string(name))) return file.text;
  throw Error(ExitCode::bug, "report page: no file \"" + std::string(name) + "\"");
}

/// The same JSON value in characters that mean nothing to HTML. They occur inside strings alone.
std::string inert(const std::string& json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      text += "\\u003c";
    else if (c == '>')
      text += "\\u003e";
    else if (c == '&')
      text += "\\u0026";
    else
      text += c;
  }
  return text;
}

}  // namespace

std::string to_html(const nlohmann::ordered_json& report) {
  std::string_view rest = page_file("template.html");
  std::string page;
  for (size_t open = rest.find("{{"); open != rest.npos; open = rest.find("{{")) {
    const size_t close = rest.find("}}", open);
    const std::string_view name = rest.substr(open + 2, close - open - 2);
    page += rest.substr(0, open);
    if (name == "report")
      page += inert(report.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    else
      page += page_file(name);
    rest.remove_prefix(close + 2);
  }
  return page += rest;
}

}  // namespace qtool::debug
