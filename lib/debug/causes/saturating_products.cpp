// Without VNNI two products of u8 and s8 are added in 16 bits, saturating (vpmaddubsw).

#include <algorithm>
#include <cstdlib>

#include "debug/causes.h"

namespace qtool::debug {
namespace {

constexpr int kLargest = 32767;

/// Share of the pairs of neighbouring weights whose products with the largest code 255 can leave 16 bits.
double pairs_that_overflow(const Tensor& codes) {
  const auto values = codes.data<int8_t>();
  size_t count = 0;
  const size_t pairs = values.size() / 2;
  for (size_t i = 0; i < pairs; ++i) count += std::abs(255 * (values[2 * i] + values[2 * i + 1])) > kLargest;
  return pairs ? static_cast<double>(count) / static_cast<double>(pairs) : 0;
}

bool multiplies(const std::string& op) { return op == "Conv" || op == "Gemm" || op == "MatMul" || op == "ConvTranspose"; }

}  // namespace

std::optional<Cause> saturating_products(const Situation& situation) {
  if (!situation.saturates || !multiplies(situation.node().op)) return std::nullopt;
  for (const size_t i : situation.in_network().constants) {
    const QuantizedConstant& constant = situation.network.skeleton().constants[i];
    if (constant.codes.dtype() != DType::int8 || constant.codes.rank() < 2) continue;
    const double share = pairs_that_overflow(constant.codes);
    if (share < 1e-4) continue;
    Cause cause;
    cause.text = "saturating instructions: this processor adds two products in 16 bits, and " + percent(share) +
                 " of the weight pairs of " + constant.name + " can overflow there";
    cause.evidence = {{"overflow_share", share}};
    cause.remedy = "backend x86-avx2, or reduce_range for the weight";
    cause.weight = share;
    return cause;
  }
  return std::nullopt;
}

}  // namespace qtool::debug
