#include "debug/variant.h"

#include <algorithm>

#include "debug/rounding.h"

namespace qtool::debug {
namespace {

LossSum difference(const std::vector<Tensor>& real, const std::vector<Tensor>& found) {
  LossSum sum;
  for (size_t k = 0; k < real.size(); ++k)
    if (real[k].dtype() == DType::float32 && real[k].shape() == found[k].shape())
      sum.add(real[k].floats().data(), found[k].floats().data(), real[k].floats().size());
  return sum;
}

bool reads(const NetworkNode& node, const std::string& tensor) {
  return std::find(node.inputs.begin(), node.inputs.end(), tensor) != node.inputs.end();
}

}  // namespace

Variant without(const Network& network, size_t index) {
  Variant variant{{index}, {}, {}};
  if (const int site = network.nodes()[index].site; site >= 0) variant.exact_sites.insert(site);
  return variant;
}

Variant left_float(const Network& network, const std::set<size_t>& nodes) {
  Variant variant{nodes, {}, {}};
  const auto& all = network.nodes();
  const auto stays = [&](size_t i) { return all[i].quantized() && nodes.count(i) == 0; };
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].site < 0 || (stays(i) && all[i].has_operator)) continue;
    const std::string& tensor = network.skeleton().sites[static_cast<size_t>(all[i].site)].tensor;
    bool wanted = false;
    for (size_t k = 0; k < all.size(); ++k) wanted |= k != i && stays(k) && reads(all[k], tensor);
    if (!wanted) variant.exact_sites.insert(all[i].site);
  }
  return variant;
}

VariantRunner::VariantRunner(const Network& network) : network_(network), walker_(network.model()), kept_(network.rounded()) {}

void VariantRunner::begin(std::span<const Tensor> inputs) {
  const PlanGraph &exact = network_.exact(), &rounded = network_.rounded();
  Frame frame(exact);
  walker_.bind(exact, inputs, frame);
  real_ = walker_.finish(exact, 0, frame, [](const Node&, const Array& value) { return value; });
  kept_.clear();
  walker_.bind(rounded, inputs, kept_);
  const Variant none;
  base_ = difference(real_, walker_.finish(
                                rounded, 0, kept_, [&](const Node& node, const Array& value) { return at_site(none, node, value); }, true));
}

Array VariantRunner::at_site(const Variant& variant, const Node& observer, const Array& value) {
  const int site = network_.site_number(observer);
  if (variant.exact_sites.count(site) || value.tensor.dtype() != DType::float32) return value;
  const auto changed = variant.changed.find(site);
  return rounded(value, changed == variant.changed.end() ? network_.site_of(observer).params : changed->second, walker_.pool(), nullptr);
}

bool VariantRunner::touched(const Variant& variant, size_t i, const std::vector<bool>& dirty) const {
  const PlanStep& step = *network_.rounded().steps[i];
  const auto is_dirty = [&](int slot) { return slot >= 0 && dirty[static_cast<size_t>(slot)]; };
  if (std::any_of(step.inputs.begin(), step.inputs.end(), is_dirty)) return true;
  for (const Source& argument : step.arguments)
    if (is_dirty(argument.slot)) return true;
  for (const auto& body : step.bodies)
    for (const auto& [value, unused] : body->captured)
      if (is_dirty(network_.rounded().slots.at(value))) return true;
  if (step.kind != PlanStep::Kind::observe) return variant.exact_nodes.count(static_cast<size_t>(network_.node_at(i))) != 0;
  const int site = network_.site_number(*step.cluster.root);
  return variant.exact_sites.count(site) || variant.changed.count(site);
}

LossSum VariantRunner::run(const Variant& variant) {
  const PlanGraph& graph = network_.rounded();
  Frame frame = kept_;
  std::vector<bool> dirty(graph.slots.size(), false);
  const AtSite site = [&](const Node& node, const Array& value) { return at_site(variant, node, value); };
  for (size_t i = 0; i < graph.steps.size(); ++i) {
    const PlanStep& step = *graph.steps[i];
    if (step.kind == PlanStep::Kind::skip) continue;
    if (touched(variant, i, dirty)) {
      for (const int slot : step.outputs)
        if (slot >= 0) frame.drop(slot);  // in the other layout too
      const bool exact = variant.exact_nodes.count(static_cast<size_t>(network_.node_at(i))) != 0;
      if (step.kind != PlanStep::Kind::observe)
        walker_.run(exact ? network_.exact() : graph, exact ? *network_.exact().steps[i] : step, frame, frame, site);
      else if (step.outputs[0] >= 0)
        frame.set(step.outputs[0], site(*step.cluster.root, frame.native(step.inputs[0])));
      for (const int slot : step.outputs)
        if (slot >= 0) dirty[static_cast<size_t>(slot)] = true;
    }
    for (const int slot : step.dying) frame.drop(slot);
  }
  return difference(real_, walker_.outputs(graph, frame));
}

}  // namespace qtool::debug
