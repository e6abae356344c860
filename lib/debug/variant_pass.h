#pragma once
#include "debug/sample_pass.h"
#include "debug/variant.h"

namespace qtool::debug {

/// The network's error over some samples, as it is and with each variant.
struct VariantLosses {
  LossSum base;
  std::vector<LossSum> variants;
  double mse(size_t i) const;
  double base_mse() const;
  /// Share of the error that variant i takes away.
  double gain(size_t i) const;
};

/// Over the first `count` usable samples, several at a time.
VariantLosses measure_variants(const Network& network, SamplePass& samples, const std::vector<Variant>& variants, size_t count);

}  // namespace qtool::debug
