#include "observe/channel_min_max.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace qtool {
namespace {

void same_channels(size_t seen, size_t now) {
  if (seen != 0 && now != 0 && seen != now)
    throw invalid_file("per-channel extremes: " + std::to_string(seen) + " channels, then " + std::to_string(now));
}

}  // namespace

void ChannelMinMax::observe(const Tensor& tensor, int axis) {
  const auto at = static_cast<size_t>(normalize_axis(axis, tensor.rank()));
  const auto count = static_cast<size_t>(tensor.shape()[at]);
  const auto outer = static_cast<size_t>(product(tensor.shape(), 0, at));
  const auto inner = static_cast<size_t>(product(tensor.shape(), at + 1, tensor.rank()));
  same_channels(channels.size(), count);
  channels.resize(count);
  const auto values = tensor.floats();
  for (size_t o = 0; o < outer; ++o)
    for (size_t c = 0; c < count; ++c) channels[c].observe(values.subspan((o * count + c) * inner, inner));
}

void ChannelMinMax::merge(const ChannelMinMax& other) {
  same_channels(channels.size(), other.channels.size());
  if (channels.empty()) channels.resize(other.channels.size());
  for (size_t c = 0; c < other.channels.size(); ++c) channels[c].merge(other.channels[c]);
}

nlohmann::ordered_json ChannelMinMax::to_json() const {
  if (channels.empty()) return nullptr;
  auto json = nlohmann::ordered_json::array();
  for (const MinMax& channel : channels) json.push_back(channel.to_json());
  return json;
}

ChannelMinMax ChannelMinMax::from_json(const nlohmann::ordered_json& json) {
  ChannelMinMax result;
  if (json.is_null()) return result;
  if (!json.is_array()) throw invalid_file("per-channel extremes: an array or null is expected");
  for (const auto& channel : json) result.channels.push_back(MinMax::from_json(channel));
  return result;
}

}  // namespace qtool
