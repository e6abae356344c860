#include "debug/propose.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "debug/assemble.h"
#include "debug/variant_pass.h"
#include "observe/range.h"

namespace qtool::debug {
namespace {

constexpr double kLeastGain = 0.01;
constexpr double kNearlyAll = 0.95;
constexpr double kGoodEnough = 0.7;  ///< share of float's gain at which a range rule is preferred

size_t index_of(const Report& report, const NodeReport& node) { return static_cast<size_t>(&node - report.nodes.data()); }

/// Parameters another range rule would have chosen from what was seen here.
std::optional<QuantParams> params_by(const std::string& observer, const QuantParams& now, const NodeMeasure& measure) {
  const RangeRule* rule = range_rule(observer);
  if (!rule || now.per_channel() || measure.histogram.empty()) return std::nullopt;
  TensorStatistics seen;
  seen.histogram = measure.histogram;
  seen.extremes = {measure.ranges.lo, measure.ranges.hi};
  RangeOptions options;
  options.codes = full_range(now.dtype);
  options.symmetric = is_signed(now.dtype) && now.zero_point() == 0;
  const auto range = choose_range(observer, seen, options);
  if (!range) return std::nullopt;
  return params_of_range(*range, now.dtype, options.codes, options.symmetric, 1.1920929e-07f);
}

/// What may be done about one node.
struct Choice {
  size_t node;
  std::string observer;  ///< empty: float
  Variant variant;
};

class Proposer {
 public:
  Proposer(const Network& network, const Measures& measures, SamplePass& samples, size_t count, Report& report)
      : network_(network), measures_(measures), samples_(samples), count_(count), report_(report) {}

  void choose() {
    list_choices();
    if (choices_.empty()) return;
    const VariantLosses losses = measure_variants(network_, samples_, variants(), count_);
    for (size_t i = 0; i < choices_.size(); ++i) gains_.push_back(losses.gain(i));
    for (const size_t node : nodes_) flag(node);
    shorten();
  }

  void measure() {
    const bool any = std::any_of(report_.nodes.begin(), report_.nodes.end(),
                                 [](const NodeReport& node) { return node.to_float || !node.observer.empty(); });
    if (any) report_.expected_gain = measure_variants(network_, samples_, {all_together()}, count_).gain(0);
  }

 private:
  /// The nodes that cost most and can be changed.
  void list_choices() {
    for (const NodeReport* node : ranking(report_)) {
      const size_t i = index_of(report_, *node);
      if (nodes_.size() >= kMostProposed) break;
      const auto& measured = node->leave_one_out;
      if (!node->editable || (measured && !measured->together && measured->gain < kLeastGain)) continue;
      nodes_.push_back(i);
      choices_.push_back({i, "", left_float(network_, {i})});
      for (const Cause& cause : node->causes)
        if (const auto params = params_of(i, cause.observer)) {
          choices_.push_back({i, cause.observer, {{}, {}, {{network_.nodes()[i].site, *params}}}});
          break;
        }
    }
  }

  std::optional<QuantParams> params_of(size_t i, const std::string& observer) const {
    const int site = network_.nodes()[i].site;
    if (site < 0 || observer.empty() || observer == "float") return std::nullopt;
    return params_by(observer, network_.skeleton().sites[static_cast<size_t>(site)].params, measures_.nodes[i]);
  }

  std::vector<Variant> variants() const {
    std::vector<Variant> all;
    for (const Choice& choice : choices_) all.push_back(choice.variant);
    return all;
  }

  void flag(size_t node) {
    double to_float = 0, by_rule = 0;
    const Choice* rule = nullptr;
    for (size_t k = 0; k < choices_.size(); ++k) {
      if (choices_[k].node != node) continue;
      (choices_[k].observer.empty() ? to_float : by_rule) = gains_[k];
      if (!choices_[k].observer.empty()) rule = &choices_[k];
    }
    if (rule && by_rule >= std::max(kLeastGain, kGoodEnough * to_float))
      report_.nodes[node].observer = rule->observer;
    else
      report_.nodes[node].to_float = true;
  }

  void unflag(size_t node) {
    report_.nodes[node].to_float = false;
    report_.nodes[node].observer.clear();
  }

  /// Nodes help together more, or less, than alone: keeps the fewest of the worst that give nearly all that these changes can give.
  void shorten() {
    std::vector<Variant> firsts{all_together()};
    std::vector<std::pair<bool, std::string>> flags;
    for (const size_t node : nodes_) flags.emplace_back(report_.nodes[node].to_float, report_.nodes[node].observer);
    for (auto node = nodes_.rbegin(); node + 1 != nodes_.rend(); ++node) {
      unflag(*node);
      firsts.push_back(all_together());
    }
    std::reverse(firsts.begin(), firsts.end());
    const VariantLosses losses = measure_variants(network_, samples_, firsts, count_);
    double best = 0;
    for (size_t i = 0; i < firsts.size(); ++i) best = std::max(best, losses.gain(i));
    size_t count = best < kLeastGain ? 0 : 1;
    while (count > 0 && count < nodes_.size() && losses.gain(count - 1) < kNearlyAll * best) ++count;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      unflag(nodes_[i]);
      if (i < count) std::tie(report_.nodes[nodes_[i]].to_float, report_.nodes[nodes_[i]].observer) = flags[i];
    }
  }

  Variant all_together() const {
    std::set<size_t> nodes;
    for (size_t i = 0; i < report_.nodes.size(); ++i)
      if (report_.nodes[i].to_float) nodes.insert(i);
    Variant variant = left_float(network_, nodes);
    for (size_t i = 0; i < report_.nodes.size(); ++i)
      if (const auto params = params_of(i, report_.nodes[i].observer)) variant.changed[network_.nodes()[i].site] = *params;
    return variant;
  }

  const Network& network_;
  const Measures& measures_;
  SamplePass& samples_;
  size_t count_;
  Report& report_;
  std::vector<Choice> choices_;
  std::vector<double> gains_;
  std::vector<size_t> nodes_;  ///< worst first
};

/// Nodes measured alone and not chosen yet.
std::vector<size_t> measured_nodes(const Report& report) {
  std::vector<size_t> nodes;
  for (size_t i = 0; i < report.nodes.size(); ++i)
    if (const auto& measured = report.nodes[i].leave_one_out; measured && !measured->together) nodes.push_back(i);
  return nodes;
}

/// Where the outputs are mostly noise the nodes hide each other's errors: more is tried there.
bool is_far_off(const Report& report) { return report.network.sqnr_db < 10; }

/// Of those the best alone, and the noisiest.
std::vector<size_t> candidates_of(const Report& report) {
  const size_t most = is_far_off(report) ? 6 : 5;
  std::vector<size_t> nodes = measured_nodes(report), by_noise = nodes;
  const auto gain = [&](size_t i) { return report.nodes[i].leave_one_out->gain; };
  std::stable_sort(nodes.begin(), nodes.end(), [&](size_t a, size_t b) { return gain(a) > gain(b); });
  std::stable_sort(by_noise.begin(), by_noise.end(), [&](size_t a, size_t b) { return report.nodes[a].noise > report.nodes[b].noise; });
  nodes.resize(std::min(nodes.size(), most));
  by_noise.resize(std::min(by_noise.size(), most));
  std::set<size_t> both(nodes.begin(), nodes.end());
  both.insert(by_noise.begin(), by_noise.end());
  return {both.begin(), both.end()};
}

/// `variant` with one node more in float.
Variant with(Variant variant, const Network& network, size_t node) {
  const Variant alone = without(network, node);
  variant.exact_nodes.insert(alone.exact_nodes.begin(), alone.exact_nodes.end());
  variant.exact_sites.insert(alone.exact_sites.begin(), alone.exact_sites.end());
  return variant;
}

/// The dozen that take away most with `chosen`, on a third of the samples.
std::vector<size_t> best_beside(const Variant& chosen, const Network& network, SamplePass& samples, size_t sample_count,
                                const Report& report) {
  constexpr size_t kDozen = 12;
  std::vector<size_t> nodes = measured_nodes(report);
  std::vector<Variant> variants;
  for (const size_t node : nodes) variants.push_back(with(chosen, network, node));
  const VariantLosses losses = measure_variants(network, samples, variants, (sample_count + 2) / 3);
  std::vector<size_t> order(nodes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return losses.gain(a) > losses.gain(b); });
  order.resize(std::min(order.size(), kDozen));
  for (size_t& k : order) k = nodes[k];
  return order;
}

}  // namespace

void leave_one_out(const Network& network, SamplePass& samples, size_t count, size_t sample_count, Report& report) {
  std::vector<size_t> nodes;
  std::vector<Variant> variants;
  for (const NodeReport* node : ranking(report)) {
    if (nodes.size() >= count) break;
    nodes.push_back(index_of(report, *node));
    variants.push_back(without(network, nodes.back()));
  }
  if (nodes.empty() || sample_count == 0) return;
  const VariantLosses losses = measure_variants(network, samples, variants, sample_count);
  for (size_t k = 0; k < nodes.size(); ++k) report.nodes[nodes[k]].leave_one_out = LeaveOneOut{losses.mse(k), losses.gain(k), {}};
}

void choose_together(const Network& network, SamplePass& samples, size_t sample_count, bool wide, Report& report) {
  Variant chosen;
  double best = 0;
  for (size_t round = 0; round < kMostProposed && sample_count > 0; ++round) {
    const std::vector<size_t> candidates = round == 0 ? measured_nodes(report)
                                           : wide     ? best_beside(chosen, network, samples, sample_count, report)
                                                      : candidates_of(report);
    if (candidates.empty()) return;
    std::vector<double> gains;
    std::vector<Variant> variants;
    for (const size_t node : candidates) {
      gains.push_back(report.nodes[node].leave_one_out->gain);
      variants.push_back(with(chosen, network, node));
    }
    if (round > 0) {
      const VariantLosses losses = measure_variants(network, samples, variants, is_far_off(report) ? sample_count : (sample_count + 1) / 2);
      for (size_t k = 0; k < candidates.size(); ++k) gains[k] = losses.gain(k);
    }
    const auto at = static_cast<size_t>(std::max_element(gains.begin(), gains.end()) - gains.begin());
    if (gains[at] < best + kLeastGain) return;
    best = gains[at];
    chosen = variants[at];
    report.nodes[candidates[at]].leave_one_out->together = best;
  }
}

void propose(const Network& network, const Measures& measures, SamplePass& samples, size_t sample_count, bool choose, Report& report) {
  Proposer proposer(network, measures, samples, sample_count, report);
  if (choose) proposer.choose();
  proposer.measure();
}

}  // namespace qtool::debug
