#include "quantize/constant_params.h"

#include <algorithm>

#include "observe/range.h"

namespace qtool {
namespace {

CodeRange weight_codes(const ObserverSpec& spec, const Placement& placement) {
  CodeRange codes = spec.codes;
  if (placement.max_weight_abs > 0) {
    codes.lo = std::max<int64_t>(codes.lo, -placement.max_weight_abs);
    codes.hi = std::min<int64_t>(codes.hi, placement.max_weight_abs);
  }
  return codes;
}

}  // namespace

ConstantParams weight_params(const Tensor& weight, const ObserverSpec& spec, int own_axis, const Placement& placement) {
  const int axis = !is_per_channel(spec.qscheme) ? -1 : spec.ch_axis >= 0 ? spec.ch_axis : own_axis;
  const RangeOptions options{weight_codes(spec, placement), is_symmetric(spec.qscheme), spec.bins, spec.percentile,
                             spec.averaging_constant};
  const std::vector<Range> ranges = choose_weight_ranges(spec.observer, weight, axis, options);
  return {params_of_ranges(ranges, axis, spec.dtype, options.codes, options.symmetric, spec.eps, spec.power_of_two), options.codes};
}

ConstantParams operand_params(const Tensor& constant, const ObserverSpec& activation) {
  ObserverSpec spec = activation;
  spec.observer = "minmax";
  return weight_params(constant, spec, -1, {});
}

}  // namespace qtool
