#include "debug/sensitivity.h"

#include <algorithm>
#include <set>

#include "debug/assemble.h"
#include "debug/causes.h"
#include "debug/kernels.h"
#include "debug/propose.h"
#include "debug/sample_pass.h"
#include "quantize/prepare.h"

namespace qtool::debug {
namespace {

constexpr double kLost = 3;  ///< dB; below, what a change gives on a few samples says nothing of the others
constexpr size_t kMostSamplesTried = 512;
constexpr double kLeastExactness = 10;  ///< dB; real pairs have 60 and more

std::set<std::string> input_names(const Model& model) {
  std::set<std::string> names;
  for (const Node* node : model.graph->placeholders())
    if (!node->weight) names.insert(node->out(0)->name());
  return names;
}

std::vector<std::string> output_names(const Model& model) {
  std::vector<std::string> names;
  for (const Value* value : model.graph->output().inputs()) names.push_back(value->name());
  return names;
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

void check_borders(const std::set<std::string>& wanted, const std::set<std::string>& found, const std::string& what) {
  if (wanted != found)
    throw invalid_file("the int8 model does not belong to the float model: its " + what + " are " + listed(found) + ", the float model's " +
                       listed(wanted));
}

void check_pair(const Model& float_model, const Model& int8) {
  check_borders(input_names(float_model), input_names(int8), "inputs");
  const auto a = output_names(float_model), b = output_names(int8);
  check_borders({a.begin(), a.end()}, {b.begin(), b.end()}, "outputs");
}

std::string backend_name(const Model& int8) {
  const std::string* text = int8.find_metadata(kBackendKey);
  if (!text) return "";
  return text->find('{') == std::string::npos ? *text : BackendConfig::parse(*text, kBackendKey).name;
}

void tell_network(Report& report, const SamplePass& pass) {
  LossSum all;
  size_t same = 0;
  for (const SampleMeasure& sample : pass.measures().samples) {
    all.merge(sample.loss);
    same += sample.same_top;
    report.samples.push_back({sample.id, sample.loss.loss(), sample.same_top});
  }
  report.network = all.loss();
  report.mse = all.elements ? all.ee / static_cast<double>(all.elements) : 0;
  report.same_top = static_cast<double>(same) / static_cast<double>(report.samples.size());
}

void tell_pairing(Report& report, const Pairing& pairing) {
  report.by_name = pairing.by_name;
  report.by_position = pairing.by_position;
  report.int8_alone = pairing.int8_alone;
  report.float_alone = pairing.float_alone;
}

void check_matched(const Skeleton& skeleton) {
  if (skeleton.matched * 2 >= skeleton.constants.size()) return;
  throw invalid_file("the files do not belong together: " + std::to_string(skeleton.matched) + " of " +
                     std::to_string(skeleton.constants.size()) + " quantized constants have a partner in the float model");
}

void check_exactness(double exactness_db) {
  if (exactness_db >= kLeastExactness) return;
  char text[160];
  std::snprintf(text, sizeof(text),
                "the files do not belong together: the int8 model with the float model's weights is %.1f dB from the float model",
                exactness_db);
  throw invalid_file(text);
}

/// The lanes do not saturate. Where the engine's error is more than twice theirs and a rule says that sums can saturate here, the nodes
/// that do so most go first.
void put_saturating_first(Report& report, const LossSum& lanes) {
  constexpr double kTwice = 3;  // dB
  if (report.network.sqnr_db > lanes.loss().sqnr_db - kTwice) return;
  const auto share = [](const NodeReport& node) {
    for (const Cause& cause : node.causes)
      if (cause.rule == "saturating_products") return cause.weight;
    return 0.0;
  };
  std::vector<NodeReport*> order;
  for (NodeReport& node : report.nodes)
    if (node.rank > 0) order.push_back(&node);
  std::sort(order.begin(), order.end(), [](const NodeReport* a, const NodeReport* b) { return a->rank < b->rank; });
  std::stable_sort(order.begin(), order.end(), [&](const NodeReport* a, const NodeReport* b) { return share(*a) > share(*b); });
  for (size_t i = 0; i < order.size(); ++i) order[i]->rank = i + 1;
}

void take_flags(const Flags& flags, Report& report) {
  for (const auto& [name, flag] : flags) {
    const auto node =
        std::find_if(report.nodes.begin(), report.nodes.end(), [&](const NodeReport& each) { return each.editable && each.name == name; });
    if (node == report.nodes.end()) throw invalid_file("the report given is of another model: there is no node \"" + name + "\"");
    node->to_float = flag.to_float;
    node->observer = flag.observer;
  }
}

/// Where the outputs are noise every node is tried, on all there is.
SensitivityOptions enlarged(SensitivityOptions options, const Report& report) {
  if (!options.more_where_lost || report.network.sqnr_db >= kLost) return options;
  options.leave_one_out = report.nodes.size();
  options.leave_one_out_samples = std::max(options.leave_one_out_samples, std::min(kMostSamplesTried, report.samples.size()));
  return options;
}

}  // namespace

Report sensitivity_report(const Model& float_model, const Model& int8, const SampleSet& samples, const SensitivityOptions& options,
                          Diagnostics& diagnostics) {
  check_pair(float_model, int8);
  const std::vector<FloatSide> sides = float_sides(float_model, int8);
  Skeleton skeleton = make_skeleton(int8, sides);
  check_matched(skeleton);
  const FloatSide& side = sides[skeleton.side];
  const Network network(std::move(skeleton), side, options.engine);
  SamplePass pass(network, float_model, int8, samples, options, diagnostics);
  pass.run();
  check_exactness(pass.exactness().loss().sqnr_db);
  Report report;
  report.engine = pass.engine();
  report.backend = backend_name(int8);
  report.outputs = output_names(int8);
  report.exactness_db = pass.exactness().loss().sqnr_db;
  tell_pairing(report, network.skeleton().pairing);
  tell_network(report, pass);
  report.nodes = assemble(network, pass.measures());
  rank(report.nodes);
  const SensitivityOptions tried = enlarged(options, report);
  leave_one_out(network, pass, tried.leave_one_out, tried.leave_one_out_samples, report);
  choose_together(network, pass, tried.leave_one_out_samples, tried.leave_one_out > options.leave_one_out, report);
  rank(report.nodes);
  find_causes(network, pass.measures(), report, options.saturates);
  put_saturating_first(report, pass.measures().outputs);
  if (options.flags) take_flags(*options.flags, report);
  propose(network, pass.measures(), pass, tried.leave_one_out_samples, !options.flags, report);
  if (options.kernels) compare_kernels(int8, pass, report);
  report.verdict = verdict_of(report);
  return report;
}

}  // namespace qtool::debug
