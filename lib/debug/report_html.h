#pragma once
// The report as one page that needs no network.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace qtool::debug {

/// lib/debug/html/template.html with every {{name}} replaced: {{report}} by the JSON of to_json(), any other by the embedded file of that
/// name. The JSON is written so that no text in it can end the element it stands in: "<", ">" and "&" as \u escapes.
std::string to_html(const nlohmann::ordered_json& report);

}  // namespace qtool::debug
