#pragma once
// Runs a model over a set of samples, several at a time.

#include <functional>
#include <vector>

#include "command.h"
#include "data/sample_set.h"
#include "exec/plan.h"

namespace qtool::cmd {

struct SampleCounts {
  size_t used = 0, skipped = 0;
};

/// One sample that ran.
struct SampleRun {
  size_t i;    ///< in the set
  int worker;  ///< 0 .. threads - 1
  const Sample& sample;
  std::vector<Tensor>& outputs;
};

/// done(run) for every usable sample; from any thread, several at once. An unusable sample is a warning, or with --strict
/// an error; skipped(i) is then called. Throws Error(invalid_file) when none is usable.
SampleCounts run_samples(Plan& plan, const SampleSet& samples, Session& session, const std::function<void(const SampleRun&)>& done,
                         const std::function<void(size_t i)>& skipped = {});

/// Loads a sample; nothing when it is unusable (said, counted).
std::optional<Sample> load_or_skip(const SampleSet& samples, size_t i, Session& session);

}  // namespace qtool::cmd
