#pragma once
// Float model -> prepared model: tidied, lifted, fused, decided, observers inserted.

#include <functional>
#include <string>

#include "base/diagnostics.h"
#include "pass/fuse.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Metadata keys of prepared and converted models.
inline constexpr const char* kQConfigKey = "qtool.qconfig";
inline constexpr const char* kBackendKey = "qtool.backend";
inline constexpr const char* kStatsKey = "qtool.stats";
inline constexpr const char* kSourceKey = "qtool.source";
inline constexpr const char* kVersionKey = "qtool.version";
inline constexpr const char* kWrapKey = "qtool.wrap";

struct PrepareOptions {
  QConfigMapping qconfig;
  BackendConfig backend;
  std::vector<std::string> wrap;  ///< --wrap expressions
  std::string source;             ///< digest of the float file
  bool freeze = false;            ///< initializers that are graph inputs too become weights
  bool complete = false;          ///< what a model with Q/DQ of its own leaves float is quantized too
  Mode mode = Mode::static_range;
};

/// Edits `model`; returns the plan (it points into the model). Every call left float, every refused fusion and every qconfig rule
/// without a node is said in `diagnostics`.
/// A model that holds Q/DQ keeps its scales to the bit; nothing is added unless `complete`.
/// Throws Error(invalid_file) when the model is prepared or quantized already, Error(unsupported) when it cannot be lifted.
QuantPlan prepare(Model& model, const PrepareOptions& options, Diagnostics& diagnostics);

/// Why nothing of a prepared model is decided; empty: it is decided as usual.
std::string all_float_because(const Model& prepared);

/// Lifts the model to the opset its plan needs, if it is below; the plan then points nowhere. False: nothing to do.
/// Throws Error(unsupported) when it cannot be lifted.
bool lift_for(Model& model, const QuantPlan& plan);

/// Steps of prepare up to the fused graph: for `fuse` and for reports.
void tidy_and_fuse(Model& model, const BackendConfig& backend, const std::function<bool(const Node&)>& allowed, Diagnostics& diagnostics);

/// The backend's patterns as the fuse pass takes them.
std::vector<FusionRule> fusion_rules(const BackendConfig& backend);

/// One warning a call left float, with its reasons, and one a qconfig rule that matched nothing; nothing where `all_float` says why.
void report_plan(const QuantPlan& plan, const QConfigMapping& qconfig, const std::string& all_float, Diagnostics& diagnostics);

}  // namespace qtool
