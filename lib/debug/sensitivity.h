#pragma once
// FLOAT, INT8 and samples -> the sensitivity report.

#include <functional>

#include "base/diagnostics.h"
#include "data/sample_set.h"
#include "debug/fix.h"
#include "debug/report.h"
#include "graph/model.h"

namespace qtool::debug {

struct SensitivityOptions {
  std::string engine = "auto";
  int threads = 1;                                          ///< samples at a time; the report does not depend on it
  bool strict = false;                                      ///< an unusable sample is an error instead of a warning
  size_t leave_one_out = 20;                                ///< nodes tried alone in float
  size_t leave_one_out_samples = 8;                         ///< on this many samples
  bool more_where_lost = true;                              ///< every node on every sample (512 at most) where the outputs are noise
  std::optional<bool> saturates;                            ///< 16-bit sums of products; nothing: as this processor
  const Flags* flags = nullptr;                             ///< measure these instead of proposing
  bool kernels = false;                                     ///< hold the engine against the reference, node by node, on the first sample
  std::function<void(size_t done, size_t total)> progress;  ///< called from any thread, one at a time
};

/// `samples` are for the inputs of `float_model`. Memory does not grow with them but for one line a sample.
/// Throws Error(invalid_file) when the models do not belong together (other inputs or outputs, nothing in common, INT8 with FLOAT's
/// weights computes something else), INT8 holds no Q/DQ, or no sample is usable.
Report sensitivity_report(const Model& float_model, const Model& int8, const SampleSet& samples, const SensitivityOptions& options,
                          Diagnostics& diagnostics);

}  // namespace qtool::debug
