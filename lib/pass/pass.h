#pragma once
// A pass is a free function `PassReport f(Model&, ...)` that edits and says what it did. It neither lints nor logs: the
// runner (run_passes) lints after every pass and wraps a failure as "after pass NAME: ...".

#include <functional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/error.h"
#include "graph/model.h"

namespace qtool {

struct PassReport {
  explicit PassReport(std::string pass_name) : name(std::move(pass_name)) {}
  struct Skip {
    std::string node, reason;
  };
  std::string name;
  std::vector<std::string> changes;  ///< paths of the nodes changed
  std::vector<Skip> skips;           ///< nodes that looked right and were refused, with the reason
  void changed(const Node& node) { changes.push_back(node.path()); }
  void skipped(const Node& node, std::string reason) { skips.push_back({node.path(), std::move(reason)}); }
};

/// Runs a pass and lints; what either throws gets "pass NAME: " in front.
PassReport run_pass(Model& model, const std::string& name, const std::function<PassReport(Model&)>& pass);

}  // namespace qtool
