#include "pass/pass.h"

namespace qtool {

PassReport run_pass(Model& model, const std::string& name, const std::function<PassReport(Model&)>& pass) {
  return with_frame("pass " + name, [&] {
    PassReport report = pass(model);
    lint(model, "after pass " + name);
    return report;
  });
}

}  // namespace qtool
