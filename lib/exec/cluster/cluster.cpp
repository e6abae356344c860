// Cutting: operators first, in topological order, each with what may follow it; then the Q and DQ nobody took.

#include "exec/cluster.h"

#include <algorithm>
#include <unordered_map>

#include "exec/cluster/builder.h"
#include "exec/cluster/quantized.h"

namespace qtool {
namespace {

bool is_conversion(const Node& node) { return is_quantize(node) || is_dequantize(node); }

/// The input through which a post-op reads its operand.
const Value* operand_input(const PostOp& post) {
  for (const Value* input : post.node->inputs())
    if (input && is_dequantize(input->producer()) && input->producer().in(0) == post.operand.value) return input;
  return nullptr;
}

/// Producers before readers. Where its last node stands, all a cluster reads has been computed; but of one with several outputs
/// (Split) some may be read before the last of them stands.
class Ordering {
 public:
  explicit Ordering(std::vector<Cluster> clusters) : clusters_(std::move(clusters)), placed_(clusters_.size(), false) {
    for (size_t i = 0; i < clusters_.size(); ++i)
      for (const Operand& output : clusters_[i].outputs)
        if (output.value) maker_[output.value] = i;
  }

  std::vector<Cluster> run() {
    for (size_t i = 0; i < clusters_.size(); ++i) place(i);
    return std::move(ordered_);
  }

 private:
  void place(size_t i) {
    if (placed_[i]) return;
    placed_[i] = true;
    for (const Node* node : clusters_[i].nodes) {
      for (const Value* value : node->inputs()) place_maker(value);
      for (const Value* value : node->captures()) place_maker(value);
    }
    ordered_.push_back(std::move(clusters_[i]));
  }

  void place_maker(const Value* value) {
    if (!value) return;
    if (const auto found = maker_.find(value); found != maker_.end()) return place(found->second);
    if (is_dequantize(value->producer())) place_maker(value->producer().in(0));
  }

  std::vector<Cluster> clusters_, ordered_;
  std::vector<bool> placed_;
  std::unordered_map<const Value*, size_t> maker_;
};

}  // namespace

std::vector<Cluster> cluster(const Model& model, const Graph& graph) { return ClusterBuilder(model, graph).build(); }

ClusterBuilder::ClusterBuilder(const Model& model, const Graph& graph) : model_(model), graph_(graph) {
  for (const Node& node : graph.nodes()) position_.emplace(&node, position_.size());
}

std::vector<Cluster> ClusterBuilder::build() {
  for (Node& node : graph_.nodes())
    if (node.is_call() && !is_conversion(node) && !taken_.count(&node)) take(form(node));
  take_left_over();
  std::stable_sort(clusters_.begin(), clusters_.end(),
                   [&](const Cluster& a, const Cluster& b) { return position_[a.nodes.back()] < position_[b.nodes.back()]; });
  return Ordering(std::move(clusters_)).run();
}

void ClusterBuilder::take_left_over() {
  for (Node& node : graph_.nodes())
    if (is_quantize(node) && !taken_.count(&node)) take(form_conversion(node));
  for (Node& node : graph_.nodes()) {
    if (!is_dequantize(node) || taken_.count(&node)) continue;
    const bool used_as_float = !node.out(0) || node.out(0)->unused() || uses_as_codes_[&node] < node.out(0)->uses().size();
    if (used_as_float) take(form_conversion(node));
  }
}

Node* ClusterBuilder::sole_user(const Value& value) const {
  if (value.uses().size() != 1) return nullptr;
  Node* user = value.uses()[0].node;
  return user->is_call() && &user->graph() == &graph_ && !taken_.count(user) ? user : nullptr;
}

Node* ClusterBuilder::sole_quantize(const Value& value) const {
  Node* user = sole_user(value);
  if (!user || !is_quantize(*user) || user->in(0) != &value) return nullptr;
  const auto params = params_of(*user);
  return params && !params->per_channel() ? user : nullptr;
}

void ClusterBuilder::take(Draft draft) {
  Cluster& cluster = draft.cluster;
  if (!is_dequantize(*cluster.root))
    for (size_t i = 0; i < cluster.inputs.size(); ++i)
      if (cluster.inputs[i].quantized()) take_dequantize(*cluster.root->in(i), cluster);
  for (const PostOp& post : cluster.post_ops)
    if (post.operand.quantized()) take_dequantize(*operand_input(post), cluster);
  std::sort(cluster.nodes.begin(), cluster.nodes.end(), [&](Node* a, Node* b) { return position_[a] < position_[b]; });
  cluster.nodes.erase(std::unique(cluster.nodes.begin(), cluster.nodes.end()), cluster.nodes.end());
  taken_.insert(cluster.nodes.begin(), cluster.nodes.end());
  if (cluster.outputs.empty()) cluster.outputs.push_back({draft.y, std::nullopt});
  clusters_.push_back(std::move(cluster));
}

/// Counts the use; a DQ that nobody else reads belongs to this cluster.
void ClusterBuilder::take_dequantize(const Value& real, Cluster& cluster) {
  ++uses_as_codes_[&real.producer()];
  if (real.uses().size() == 1 && &real.producer().graph() == &graph_) cluster.nodes.push_back(&real.producer());
}

}  // namespace qtool
