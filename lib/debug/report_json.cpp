#include <cmath>
#include <nlohmann/json.hpp>

#include "debug/report.h"

namespace qtool::debug {
namespace {

using Json = nlohmann::ordered_json;

/// Six digits are enough to read and to plot.
Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0;
  const double unit = std::pow(10, 6 - std::ceil(std::log10(std::fabs(value))));
  return std::isfinite(unit) && unit > 0 ? Json(std::round(value * unit) / unit) : Json(value);
}

Json loss_json(const Loss& loss) {
  return {{"cosine", loss.cosine},
          {"sqnr_db", number(loss.sqnr_db)},
          {"max_error", number(loss.max_error)},
          {"mean_error", number(loss.mean_error)}};
}

template <class T>
Json optional_json(const std::optional<T>& value, Json (*to)(const T&)) {
  return value ? to(*value) : Json(nullptr);
}

Json parameters_json(const Parameters& told) {
  return {{"dtype", told.dtype},   {"scale", number(told.scale)}, {"zero_point", told.zero_point}, {"per_channel", told.per_channel},
          {"lo", number(told.lo)}, {"hi", number(told.hi)}};
}

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

Json pairs(const std::vector<std::pair<float, float>>& values) {
  Json list = Json::array();
  for (const auto& [a, b] : values) list.push_back({number(static_cast<double>(a)), number(static_cast<double>(b))});
  return list;
}

Json bins_json(const Bins& bins) {
  return {{"lo", number(bins.lo)}, {"hi", number(bins.hi)}, {"float", numbers(bins.real)}, {"quantized", numbers(bins.quantized)}};
}

Json activation_json(const Activation& told) {
  return {{"parameters", optional_json(told.parameters, parameters_json)},
          {"useful", told.useful ? Json{number(told.useful->first), number(told.useful->second)} : Json(nullptr)},
          {"lo", number(told.lo)},
          {"hi", number(told.hi)},
          {"p9999_lo", number(told.inner_lo)},
          {"p9999_hi", number(told.inner_hi)},
          {"clipped_below", number(told.below)},
          {"clipped_above", number(told.above)},
          {"codes_used", told.codes_used < 0 ? Json(nullptr) : number(told.codes_used)},
          {"histogram", bins_json(told.bins)},
          {"scatter", pairs(told.scatter)},
          {"sample_ranges", pairs(told.extremes)}};
}

Json weight_json(const Weight& told) {
  Json channels = Json::array();
  for (const ChannelRange& each : told.channels) {
    Json row = Json::array();
    for (const float value : {each.real_lo, each.real_hi, each.quantized_lo, each.quantized_hi})
      row.push_back(number(static_cast<double>(value)));
    channels.push_back(std::move(row));
  }
  return {{"name", told.name},
          {"bias", told.bias},
          {"shape", told.shape},
          {"parameters", optional_json(told.parameters, parameters_json)},
          {"loss", optional_json(told.loss, loss_json)},
          {"axis", told.axis},
          {"channel_spread", number(told.spread)},
          {"codes_at_ends", number(told.saturated)},
          {"channel_count", told.channel_count},
          {"channels_listed", told.channels.size()},
          {"channels", std::move(channels)}};
}

Json cause_json(const Cause& cause) {
  Json evidence = Json::object();
  for (const auto& [name, value] : cause.evidence) evidence[name] = number(value);
  return {{"rule", cause.rule},
          {"text", cause.text},
          {"evidence", std::move(evidence)},
          {"remedy", cause.remedy},
          {"observer", cause.observer.empty() ? Json(nullptr) : Json(cause.observer)}};
}

Json leave_one_out_json(const LeaveOneOut& told) {
  return {{"mse", number(told.mse)}, {"gain", number(told.gain)}, {"together", told.together ? number(*told.together) : Json(nullptr)}};
}

Json kernel_json(const KernelAgreement& told) {
  return {{"kernel", told.kernel.empty() ? Json(nullptr) : Json(told.kernel)},
          {"declined", told.declined.empty() ? Json(nullptr) : Json(told.declined)},
          {"worst_steps", number(told.steps)},
          {"share_differing", number(told.share)},
          {"within_bound", told.within_bound}};
}

template <class T>
Json list_json(const std::vector<T>& items, Json (*to)(const T&)) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(to(item));
  return list;
}

Json node_json(const NodeReport& node) {
  return {{"name", node.name},
          {"op", node.op},
          {"rank", node.rank == 0 ? Json(nullptr) : Json(node.rank)},
          {"inputs", node.inputs},
          {"outputs", node.outputs},
          {"quantized", node.quantized},
          {"editable", node.editable},
          {"float", node.to_float},
          {"observer", node.observer.empty() ? Json(nullptr) : Json(node.observer)},
          {"isolated", optional_json(node.isolated, loss_json)},
          {"cumulative", optional_json(node.cumulative, loss_json)},
          {"leave_one_out", optional_json(node.leave_one_out, leave_one_out_json)},
          {"activation", optional_json(node.activation, activation_json)},
          {"weights", list_json(node.weights, weight_json)},
          {"causes", list_json(node.causes, cause_json)},
          {"kernel", optional_json(node.kernel, kernel_json)}};
}

Json sample_json(const OutputSample& sample) {
  Json told{{"id", sample.id}, {"same_top", sample.same_top}};
  told.update(loss_json(sample.loss));
  return told;
}

}  // namespace

Json to_json(const Report& report) {
  Json network = loss_json(report.network);
  network["mse"] = number(report.mse);
  network["same_top"] = number(report.same_top);
  return {{"version", 1},
          {"float_model", report.float_model},
          {"int8_model", report.int8_model},
          {"engine", report.engine},
          {"backend", report.backend.empty() ? Json(nullptr) : Json(report.backend)},
          {"verdict", report.verdict},
          {"expected_gain", report.expected_gain ? number(*report.expected_gain) : Json(nullptr)},
          {"network", std::move(network)},
          {"outputs", report.outputs},
          {"samples", list_json(report.samples, sample_json)},
          {"pairing",
           {{"by_name", report.by_name},
            {"by_position", report.by_position},
            {"exactness_db", number(report.exactness_db)},
            {"int8_alone", report.int8_alone},
            {"float_alone", report.float_alone}}},
          {"nodes", list_json(report.nodes, node_json)}};
}

}  // namespace qtool::debug
