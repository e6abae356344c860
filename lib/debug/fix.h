#pragma once
// The report's proposals as a file for `prepare --qconfig` and `convert --qconfig`, and a report's edited flags read back.

#include <map>
#include <string>

#include "debug/report.h"
#include "graph/model.h"

namespace qtool::debug {

/// What is to be done about a node: float, or another range rule; neither: leave it as it is.
struct Flag {
  bool to_float = false;
  std::string observer;
};
using Flags = std::map<std::string, Flag>;  ///< by the node's name

/// "float" and "observer" of the editable nodes of a report as `debug` writes it. Throws Error(invalid_file) with the place where the
/// text is no such report, or names a range rule that does not exist.
Flags flags_of(const std::string& json, const std::string& source);

/// The qconfig stored in INT8 (x86's where none is) with a module_name entry for every node flagged in the report.
std::string qconfig_with(const Report& report, const Model& int8);

}  // namespace qtool::debug
