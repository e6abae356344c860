#include "run_samples.h"

#include <atomic>
#include <memory>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "progress.h"

namespace qtool::cmd {

std::optional<Sample> load_or_skip(const SampleSet& samples, size_t i, Session& session) {
  try {
    return samples.load(i);
  } catch (const Error& error) {
    if (session.options.strict || error.code() != ExitCode::invalid_file) throw;
    session.diagnostics.warn("sample_skipped", samples.id(i), error.what());
    return std::nullopt;
  }
}

SampleCounts run_samples(Plan& plan, const SampleSet& samples, Session& session, const std::function<void(const SampleRun&)>& done,
                         const std::function<void(size_t i)>& skipped) {
  const int threads = session.threads();
  std::vector<std::unique_ptr<Runner>> runners(static_cast<size_t>(threads));
  std::atomic<size_t> used{0}, lost{0};
  std::mutex progress_mutex;
  Progress progress("run");
  parallel_for(samples.size(), threads, [&](size_t i, int worker) {
    if (interrupted()) throw Error(ExitCode::interrupted, "interrupted");
    auto& runner = runners[static_cast<size_t>(worker)];
    if (!runner) {
      set_engine_threads(1);
      runner = std::make_unique<Runner>(plan);
    }
    const std::optional<Sample> sample = load_or_skip(samples, i, session);
    if (sample) {
      std::vector<Tensor> outputs = with_frame("sample " + sample->id, [&] { return runner->run(sample->inputs); });
      done({i, worker, *sample, outputs});
      ++used;
    } else {
      if (skipped) skipped(i);
      ++lost;
    }
    std::lock_guard lock(progress_mutex);
    progress(used + lost, samples.size());
  });
  if (used == 0) throw invalid_file("no usable sample among " + std::to_string(samples.size()));
  return {used, lost};
}

}  // namespace qtool::cmd
