#include "debug/measure.h"

#include <algorithm>
#include <cmath>

#include "debug/walker.h"
#include "exec/plan/reorder.h"
#include "observe/min_max.h"

namespace qtool::debug {
namespace {

constexpr size_t kScatter = 200;

void count_outside(std::span<const float> values, const QuantParams& params, NodeMeasure& into) {
  if (params.per_channel()) return;
  const auto half = static_cast<double>(params.scale()) / 2;
  const auto lo = static_cast<float>(lowest_real(params) - half), hi = static_cast<float>(highest_real(params) + half);
  uint64_t below = 0, above = 0;
  for (const float value : values) {
    below += value < lo;
    above += value > hi;
  }
  into.below += below;
  into.above += above;
}

std::vector<std::pair<float, float>> scatter_of(std::span<const float> x, std::span<const float> y) {
  std::vector<std::pair<float, float>> points;
  const size_t count = std::min(kScatter, x.size());
  for (size_t k = 0; k < count; ++k) {
    const size_t i = k * x.size() / count;
    if (std::isfinite(x[i]) && std::isfinite(y[i])) points.emplace_back(x[i], y[i]);
  }
  return points;
}

/// Beyond the real values of the codes by a margin.
bool leaves(const MinMax& seen, const QuantParams& params) {
  const double lo = lowest_real(params), hi = highest_real(params), margin = kBeyond * (hi - lo);
  return static_cast<double>(seen.hi) - hi > margin || lo - static_cast<double>(seen.lo) > margin;
}

bool is_float(const Array& array) { return array.tensor.dtype() == DType::float32; }

void compare(const Array& exact, const Array& found, LossSum& sum) {
  if (!is_float(exact) || exact.tensor.shape() != found.tensor.shape()) return;
  const auto add = [&](const Tensor& a, const Tensor& b) { sum.add(a.floats().data(), b.floats().data(), a.floats().size()); };
  if (exact.layout == found.layout || exact.tensor.rank() < 3)
    add(exact.tensor, found.tensor);
  else
    add(plain_tensor(exact), plain_tensor(found));
}

}  // namespace

struct LaneRunner::Impl {
  explicit Impl(const Network& with)
      : network(with), walker(with.model()), exact(with.exact()), cumulative(with.rounded()), isolated(with.rounded()) {
    histograms.resize(with.nodes().size());
    codes.resize(with.nodes().size());
    exact_site = [](const Node&, const Array& value) { return value; };
    rounded_site = [this](const Node& observer, const Array& value) { return round(observer, value, nullptr); };
  }

  Array round(const Node& observer, const Array& value, CodeCounts* counts) {
    return is_float(value) ? rounded(value, network.site_of(observer).params, walker.pool(), counts) : value;
  }

  SampleResult run(std::span<const Tensor> inputs) {
    SampleResult all;
    all.nodes.resize(network.nodes().size());
    result = &all;
    for (Frame* frame : {&exact, &cumulative, &isolated}) frame->clear();
    walker.bind(network.exact(), inputs, exact);
    walker.bind(network.rounded(), inputs, cumulative);
    for (size_t i = 0; i < network.rounded().steps.size(); ++i) step(i);
    all.exact_outputs = walker.outputs(network.exact(), exact);
    all.rounded_outputs = walker.outputs(network.rounded(), cumulative);
    for (size_t k = 0; k < all.exact_outputs.size(); ++k)
      compare({all.exact_outputs[k], Layout::plain}, {all.rounded_outputs[k], Layout::plain}, all.outputs);
    for (Frame* frame : {&exact, &cumulative, &isolated}) frame->clear();
    return all;
  }

  void step(size_t i) {
    const PlanStep &with = *network.exact().steps[i], &without = *network.rounded().steps[i];
    if (without.kind == PlanStep::Kind::skip) return;
    const int node = network.node_at(i);
    if (without.kind == PlanStep::Kind::observe)
      site(without, static_cast<size_t>(node));
    else
      operation(with, without, network.nodes()[static_cast<size_t>(node)], static_cast<size_t>(node));
    for (const int slot : without.dying)
      for (Frame* frame : {&exact, &cumulative, &isolated}) frame->drop(slot);
  }

  void operation(const PlanStep& with, const PlanStep& without, const NetworkNode& node, size_t index) {
    walker.run(network.exact(), with, exact, exact, exact_site);
    if (node.quantized()) {
      if (node.constants.empty())
        alias(without);
      else
        walker.run(network.rounded(), without, exact, isolated, rounded_site);
    }
    walker.run(network.rounded(), without, cumulative, cumulative, rounded_site);
    if (!node.quantized() || node.site >= 0) return;
    const auto slot = std::find_if(without.outputs.begin(), without.outputs.end(), [](int each) { return each >= 0; });
    if (slot == without.outputs.end()) return;
    NodeMeasure& measure = result->nodes[index];
    compare(exact.native(*slot), isolated.native(*slot), measure.isolated);
    see(index, exact.native(*slot), cumulative.native(*slot), nullptr);
  }

  /// Without weights of its own a node alone gives what it gives in float; its site rounds it.
  void alias(const PlanStep& step) {
    for (const int slot : step.outputs)
      if (slot >= 0) isolated.set(slot, exact.native(slot));
  }

  void site(const PlanStep& step, size_t index) {
    const NetworkNode& node = network.nodes()[index];
    const Node& observer = *step.cluster.root;
    const int in = step.inputs[0], out = step.outputs[0];
    const Array real = exact.native(in);
    const Array through = round(observer, cumulative.native(in), &codes[index]);
    const bool alone = node.has_operator && isolated.has(in, isolated.native(in).layout);
    const Array& before = alone ? isolated.native(in) : real;
    const Range useful = network.useful()[static_cast<size_t>(node.site)];
    const Array alone_through = node.inherits ? before : round(observer, before, nullptr);
    const Array seen = within(real, useful);
    compare(seen, within(alone_through, useful), result->nodes[index].isolated);
    see(index, seen, within(through, useful), &network.site_of(observer).params);
    if (out < 0) return;
    exact.set(out, real);
    cumulative.set(out, through);
  }

  /// What readers can tell apart.
  Array within(const Array& value, Range useful) {
    if (!is_float(value) || (std::isinf(useful.lo) && std::isinf(useful.hi))) return value;
    Array clamped{walker.pool().tensor(DType::float32, value.tensor.shape()), value.layout};
    const auto from = value.tensor.floats();
    auto to = clamped.tensor.mutable_data<float>();
    for (size_t i = 0; i < from.size(); ++i) to[i] = std::min(std::max(from[i], useful.lo), useful.hi);
    return clamped;
  }

  void see(size_t index, const Array& real, const Array& found, const QuantParams* params) {
    NodeMeasure& measure = result->nodes[index];
    compare(real, found, measure.cumulative);
    if (!is_float(real) || real.tensor.shape() != found.tensor.shape()) return;
    const auto values = real.tensor.floats();
    if (params) count_outside(values, *params, measure);
    const Seen seen = histograms[index].observe(values);
    if (!seen.extremes.empty()) measure.ranges.add(seen.extremes.lo, seen.extremes.hi, params && leaves(seen.extremes, *params));
    const bool alike = real.layout == found.layout;
    measure.scatter =
        alike ? scatter_of(values, found.tensor.floats()) : scatter_of(plain_tensor(real).floats(), plain_tensor(found).floats());
  }

  const Network& network;
  Walker walker;
  Frame exact, cumulative, isolated;
  AtSite exact_site, rounded_site;
  SampleResult* result = nullptr;
  std::vector<Histogram> histograms;
  std::vector<CodeCounts> codes;
};

LaneRunner::LaneRunner(const Network& network) : impl_(std::make_unique<Impl>(network)) {}
LaneRunner::~LaneRunner() = default;
SampleResult LaneRunner::run(std::span<const Tensor> inputs) { return impl_->run(inputs); }

void LaneRunner::add_counts_to(Measures& measures) const {
  measures.nodes.resize(impl_->histograms.size());
  for (size_t i = 0; i < impl_->histograms.size(); ++i) {
    measures.nodes[i].histogram.merge(impl_->histograms[i]);
    CodeCounts& into = measures.nodes[i].codes;
    into.resize(std::max(into.size(), impl_->codes[i].size()));
    for (size_t k = 0; k < impl_->codes[i].size(); ++k) into[k] += impl_->codes[i][k];
  }
}

void merge(Measures& measures, SampleResult result) {
  measures.nodes.resize(result.nodes.size());
  for (size_t i = 0; i < result.nodes.size(); ++i) {
    NodeMeasure &into = measures.nodes[i], &from = result.nodes[i];
    into.cumulative.merge(from.cumulative);
    into.isolated.merge(from.isolated);
    into.below += from.below;
    into.above += from.above;
    into.ranges.merge(from.ranges, measures.samples.size());
    if (into.scatter.empty()) into.scatter = std::move(from.scatter);
  }
  measures.outputs.merge(result.outputs);
}

}  // namespace qtool::debug
