#pragma once
// The files of configs/, compiled into the binary.

#include <string>
#include <string_view>
#include <vector>

namespace qtool {

/// The text of "configs/PATH"; throws Error(bug) when there is none.
std::string_view embedded_config(std::string_view path);
/// Names of the files of configs/FOLDER without ".json", `first` in front, then by name.
std::vector<std::string> embedded_names(std::string_view folder, std::string_view first = "");
/// The text of configs/FOLDER/NAME.json; throws Error(usage) naming the nearest and all there are.
std::string_view built_in_text(std::string_view folder, std::string_view name);
/// True when NAME is built in.
bool is_built_in(std::string_view folder, std::string_view name);

}  // namespace qtool
