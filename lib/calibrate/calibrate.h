#pragma once
// Samples x float plan -> statistics.

#include <functional>

#include "base/diagnostics.h"
#include "data/sample_set.h"
#include "graph/model.h"
#include "observe/stats.h"

namespace qtool {

struct CalibrateOptions {
  int threads = 1;      ///< samples at a time; one sample runs on one thread, so results do not depend on it
  bool strict = false;  ///< an unusable sample is an error instead of a warning
  std::string engine = "auto";
  const Stats* resume = nullptr;                            ///< samples seen there are not run again; the result includes them
  std::function<void(size_t done, size_t total)> progress;  ///< called from any thread, one at a time
  bool any_observer = false;  ///< collects what every range rule needs; memory then grows with the samples by 8 bytes a tensor
};

struct CalibrateReport {
  Stats stats;
  size_t used = 0, skipped = 0;
  bool interrupted = false;  ///< stopped by a signal; stats holds what was seen
};

/// Runs every sample through the prepared model and collects what its observers see. `digest`: of the prepared model.
/// Memory does not grow with the number of samples but for moving averages. Throws Error(invalid_file) when no sample is usable.
CalibrateReport calibrate(const Model& prepared, const std::string& digest, const SampleSet& samples, const CalibrateOptions& options,
                          Diagnostics& diagnostics);

}  // namespace qtool
