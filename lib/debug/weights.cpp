#include "debug/weights.h"

#include <algorithm>
#include <cmath>

#include "observe/channel_min_max.h"

namespace qtool::debug {
namespace {

/// Channels as quantized; per tensor: the axis of a Conv's outputs, of a matrix its columns.
int channel_axis(const QuantizedConstant& constant) {
  const size_t rank = constant.dequantized.rank();
  if (constant.params && constant.params->per_channel()) return constant.params->axis;
  if (rank < 2) return -1;
  return rank == 2 ? 1 : 0;
}

double spread_of(const std::vector<float>& magnitudes) {
  if (magnitudes.size() < 2) return 1;
  std::vector<float> sorted = magnitudes;
  std::sort(sorted.begin(), sorted.end());
  const float median = sorted[sorted.size() / 2];
  return median > 0 ? static_cast<double>(sorted.back() / median) : 1;
}

double saturated_share(const Tensor& codes) {
  if (!is_integer(codes.dtype()) || bit_width(codes.dtype()) > 8 || codes.size() == 0) return 0;
  const CodeRange range = full_range(codes.dtype());
  int64_t count = 0;
  for (int64_t i = 0; i < codes.size(); ++i) {
    const double code = codes.number_at(i);
    count += code <= static_cast<double>(range.lo) || code >= static_cast<double>(range.hi);
  }
  return static_cast<double>(count) / static_cast<double>(codes.size());
}

void list_channels(Weight& told, const Tensor& real, const Tensor& quantized) {
  ChannelMinMax a, b;
  a.observe(real, told.axis);
  b.observe(quantized, told.axis);
  told.channel_count = a.channels.size();
  for (size_t c = 0; c < a.channels.size() && c < kChannelsListed; ++c)
    told.channels.push_back({a.channels[c].lo, a.channels[c].hi, b.channels[c].lo, b.channels[c].hi});
}

}  // namespace

std::vector<float> channel_magnitudes(const Tensor& weight, int axis) {
  ChannelMinMax ranges;
  ranges.observe(weight, axis);
  std::vector<float> magnitudes;
  for (const MinMax& channel : ranges.channels)
    magnitudes.push_back(channel.empty() ? 0 : std::max(std::fabs(channel.lo), std::fabs(channel.hi)));
  return magnitudes;
}

Weight weight_of(const QuantizedConstant& constant) {
  Weight told;
  told.name = constant.name;
  told.shape = constant.dequantized.shape();
  told.bias = constant.codes.dtype() == DType::int32;
  told.saturated = saturated_share(constant.codes);
  const Tensor& real = constant.real.defined() ? constant.real : constant.dequantized;
  if (constant.real.defined()) {
    LossSum sum;
    sum.add(real.floats().data(), constant.dequantized.floats().data(), real.floats().size());
    told.loss = sum.loss();
    told.noise = sum.noise();
  }
  told.axis = channel_axis(constant);
  if (told.axis < 0 || real.size() == 0) return told;
  told.spread = spread_of(channel_magnitudes(real, told.axis));
  list_channels(told, real, constant.dequantized);
  return told;
}

}  // namespace qtool::debug
