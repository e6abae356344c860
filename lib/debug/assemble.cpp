#include "debug/assemble.h"

#include <algorithm>
#include <cmath>

#include "debug/bins.h"
#include "debug/weights.h"

namespace qtool::debug {
namespace {

Parameters parameters_of(const QuantParams& params) {
  Parameters told;
  told.dtype = name_of(params.dtype);
  told.scale = static_cast<double>(*std::max_element(params.scales.begin(), params.scales.end()));
  told.zero_point = params.zero_point();
  told.per_channel = params.per_channel();
  told.lo = lowest_real(params);
  told.hi = highest_real(params);
  return told;
}

double used_share(const CodeCounts& codes) {
  if (codes.empty()) return -1;
  const auto used = std::count_if(codes.begin(), codes.end(), [](uint64_t count) { return count > 0; });
  return static_cast<double>(used) / static_cast<double>(codes.size());
}

std::optional<std::pair<double, double>> told_range(Range range) {
  if (std::isinf(range.lo) && std::isinf(range.hi)) return std::nullopt;
  return std::pair<double, double>{range.lo, range.hi};
}

Activation activation_of(const NodeMeasure& measure, const Site* site) {
  Activation told;
  if (!measure.ranges.empty()) {
    told.lo = std::min<double>(0, measure.ranges.lo);
    told.hi = std::max<double>(0, measure.ranges.hi);
  }
  std::tie(told.inner_lo, told.inner_hi) = inner_range(measure.histogram, 99.99);
  const double total = std::max<double>(1, static_cast<double>(measure.histogram.total()));
  told.below = static_cast<double>(measure.below) / total;
  told.above = static_cast<double>(measure.above) / total;
  told.codes_used = used_share(measure.codes);
  if (site) told.parameters = parameters_of(site->params);
  told.bins = bins_of(measure.histogram, told.lo, told.hi, site ? &site->params : nullptr, measure.codes);
  told.scatter = measure.scatter;
  told.extremes = measure.ranges.first;
  return told;
}

NodeReport node_of(const Network& network, const NetworkNode& node, const NodeMeasure& measure) {
  NodeReport told;
  told.name = node.name;
  told.int8_name = node.int8_name;
  told.op = node.op;
  told.inputs = node.inputs;
  told.outputs = node.outputs;
  told.quantized = node.quantized();
  told.editable = node.has_operator && told.quantized;
  if (!measure.isolated.empty()) told.isolated = measure.isolated.loss();
  if (!measure.cumulative.empty()) told.cumulative = measure.cumulative.loss();
  told.noise = measure.isolated.noise();
  told.cumulative_noise = measure.cumulative.noise();
  const Site* site = node.site < 0 ? nullptr : &network.skeleton().sites[static_cast<size_t>(node.site)];
  if (!measure.cumulative.empty()) told.activation = activation_of(measure, site);
  if (told.activation && site) told.activation->useful = told_range(network.useful()[static_cast<size_t>(node.site)]);
  for (const size_t i : node.constants) {
    const QuantizedConstant& constant = network.skeleton().constants[i];
    told.weights.push_back(weight_of(constant));
    if (constant.params) told.weights.back().parameters = parameters_of(*constant.params);
  }
  return told;
}

double score(const NodeReport& node) {
  if (node.isolated) return node.noise;
  double worst = 0;
  for (const Weight& weight : node.weights) worst = std::max(worst, weight.noise);
  return worst;
}

/// Those chosen together in the order they were, each of which took more away; then by what a node takes away alone.
bool goes_before(const LeaveOneOut& a, const LeaveOneOut& b) {
  if (a.together && b.together) return *a.together < *b.together;
  if (a.together || b.together) return a.together.has_value();
  return a.gain > b.gain;
}

}  // namespace

std::vector<NodeReport> assemble(const Network& network, const Measures& measures) {
  std::vector<NodeReport> nodes;
  for (size_t i = 0; i < network.nodes().size(); ++i) nodes.push_back(node_of(network, network.nodes()[i], measures.nodes[i]));
  return nodes;
}

void rank(std::vector<NodeReport>& nodes) {
  std::vector<NodeReport*> order;
  for (NodeReport& node : nodes)
    if (node.quantized) order.push_back(&node);
  std::stable_sort(order.begin(), order.end(), [](const NodeReport* a, const NodeReport* b) {
    if (a->leave_one_out && b->leave_one_out) return goes_before(*a->leave_one_out, *b->leave_one_out);
    if (a->leave_one_out || b->leave_one_out) return a->leave_one_out.has_value();
    return score(*a) > score(*b);
  });
  for (size_t i = 0; i < order.size(); ++i) order[i]->rank = i + 1;
}

std::vector<const NodeReport*> ranking(const Report& report) {
  std::vector<const NodeReport*> order;
  for (const NodeReport& node : report.nodes)
    if (node.rank > 0) order.push_back(&node);
  std::sort(order.begin(), order.end(), [](const NodeReport* a, const NodeReport* b) { return a->rank < b->rank; });
  return order;
}

}  // namespace qtool::debug
