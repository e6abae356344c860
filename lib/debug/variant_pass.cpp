#include "debug/variant_pass.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace qtool::debug {
namespace {

double mse_of(const LossSum& sum) { return sum.elements ? sum.ee / static_cast<double>(sum.elements) : 0; }

/// One sample's.
struct Losses {
  LossSum base;
  std::vector<LossSum> variants;
};

Losses losses_of(VariantRunner& runner, const std::vector<Tensor>& inputs, const std::vector<Variant>& variants) {
  Losses losses;
  runner.begin(inputs);
  losses.base = runner.base();
  for (const Variant& variant : variants) {
    if (interrupted()) throw Error(ExitCode::interrupted, "interrupted");
    losses.variants.push_back(runner.run(variant));
  }
  return losses;
}

}  // namespace

double VariantLosses::mse(size_t i) const { return mse_of(variants[i]); }
double VariantLosses::base_mse() const { return mse_of(base); }
double VariantLosses::gain(size_t i) const { return base.ee > 0 ? 1 - variants[i].ee / base.ee : 0; }

VariantLosses measure_variants(const Network& network, SamplePass& samples, const std::vector<Variant>& variants, size_t count) {
  const std::vector<size_t> chosen = samples.first_used(count);
  const int threads = samples.threads();
  std::vector<Losses> by_sample(chosen.size());
  std::vector<std::unique_ptr<VariantRunner>> runners(static_cast<size_t>(threads));
  parallel_for(chosen.size(), threads, [&](size_t i, int worker) {
    auto& runner = runners[static_cast<size_t>(worker)];
    if (!runner) runner = std::make_unique<VariantRunner>(network);
    if (const auto sample = samples.load(chosen[i])) by_sample[i] = losses_of(*runner, samples.placed(*sample), variants);
  });
  VariantLosses all{{}, std::vector<LossSum>(variants.size())};
  for (const Losses& losses : by_sample) {
    all.base.merge(losses.base);
    for (size_t k = 0; k < losses.variants.size(); ++k) all.variants[k].merge(losses.variants[k]);
  }
  return all;
}

}  // namespace qtool::debug
