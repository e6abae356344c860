// fold_pad: Pad of constants into the pads of the Conv or pool behind it. Zeros for Conv; for AveragePool zeros that are counted
// (count_include_pad); for MaxPool only -inf would be right.
#include <cmath>
#include <limits>

#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

struct Pair {
  Node* pad;
  Node* window;
};

std::optional<Pair> find_pair(const Match& match) {
  for (Node* node : match.nodes) {
    if (!node->is("Conv") && !node->is("AveragePool") && !node->is("MaxPool")) continue;
    if (!node->in(0) || !contains(match, node->in(0)->producer()) || !node->in(0)->producer().is("Pad")) continue;
    return Pair{&node->in(0)->producer(), node};
  }
  return std::nullopt;
}

/// Pads of every axis, starts then ends, of a tensor of `rank`; nothing when they are not constant. Input from opset 11, attribute before.
std::optional<std::vector<int64_t>> pads_of(const Node& pad, size_t rank) {
  std::vector<int64_t> given = pad.attr_or("pads", std::vector<int64_t>{});
  if (pad.in(1) && !pad.in(1)->constant()) return std::nullopt;
  if (pad.in(1)) given = pad.in(1)->constant()->to_ints();
  if (!pad.in(3)) return given.size() == 2 * rank ? std::optional(given) : std::nullopt;
  if (!pad.in(3)->constant()) return std::nullopt;
  const std::vector<int64_t> axes = pad.in(3)->constant()->to_ints();
  if (given.size() != 2 * axes.size()) return std::nullopt;
  std::vector<int64_t> pads(2 * rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normalize_axis(axes[i], rank));
    pads[axis] = given[i];
    pads[rank + axis] = given[axes.size() + i];
  }
  return pads;
}

/// Spatial dimensions of the window plus two; 0: not known.
size_t rank_of(const Node& window) {
  if (window.is("Conv")) return window.in(1) && window.in(1)->constant() ? window.in(1)->constant()->rank() : 0;
  const auto kernel = window.attr_or("kernel_shape", std::vector<int64_t>{});
  return kernel.empty() ? 0 : kernel.size() + 2;
}

double value_of(const Node& pad) {
  if (!pad.in(2)) return pad.attr_or("value", 0.f);
  const Tensor* value = pad.in(2)->constant();
  return value && value->size() == 1 ? value->number_at(0) : std::nan("");
}

bool has_own_pads(const Node& window) {
  for (const int64_t pad : window.attr_or("pads", std::vector<int64_t>{}))
    if (pad != 0) return true;
  return false;
}

/// The padded elements mean the same to the window as its own padding would.
std::string refuse_value(const Pair& pair) {
  const double value = value_of(*pair.pad);
  if (pair.window->is("MaxPool"))
    return value == -std::numeric_limits<double>::infinity() ? "" : "MaxPool pads with -inf, not " + std::to_string(value);
  if (value != 0) return "it pads with something other than 0";
  if (!pair.window->is("AveragePool")) return {};
  const bool counts = pair.window->attr_or("count_include_pad", 0) != 0;
  if (!counts && has_own_pads(*pair.window)) return "AveragePool counts these zeros, but not its own";
  return pair.window->attr_or("ceil_mode", 0) != 0 ? "AveragePool with ceil_mode" : "";
}

std::optional<std::string> refuse(const Match& match) {
  const auto pair = find_pair(match);
  if (!pair) return "no Conv or pool behind Pad";
  if (std::string(pair->pad->attr_or("mode", "constant")) != "constant") return "its mode is not constant";
  const std::string automatic = pair->window->attr_or("auto_pad", "NOTSET");
  if (automatic != "NOTSET" && automatic != "VALID") return pair->window->op + " pads by itself (auto_pad)";
  const size_t rank = rank_of(*pair->window);
  const auto pads = rank ? pads_of(*pair->pad, rank) : std::nullopt;
  if (!pads) return "its pads are not known";
  for (size_t i = 0; i < pads->size(); ++i)
    if ((*pads)[i] < 0 || ((*pads)[i] != 0 && i % rank < 2)) return "it pads other axes than those of the window, or crops";
  const std::string reason = refuse_value(*pair);
  return reason.empty() ? std::nullopt : std::optional(reason);
}

void apply(Match& match) {
  const Pair pair = *find_pair(match);
  const size_t rank = rank_of(*pair.window), spatial = rank - 2;
  const std::vector<int64_t> pads = *pads_of(*pair.pad, rank);
  std::vector<int64_t> sum = pair.window->attr_or("pads", std::vector<int64_t>(2 * spatial, 0));
  for (size_t i = 0; i < spatial; ++i) {
    sum[i] += pads[2 + i];
    sum[spatial + i] += pads[rank + 2 + i];
  }
  pair.window->remove_attribute("auto_pad");
  pair.window->set_attribute("pads", sum);
  if (pair.window->is("AveragePool")) pair.window->set_attribute("count_include_pad", int64_t{1});
  Graph& graph = pair.pad->graph();
  graph.replace_uses(*pair.pad->out(), *pair.pad->in(0));
  std::erase(match.nodes, pair.pad);
  graph.erase(*pair.pad);
}

}  // namespace

extern const Rewrite k_fold_pad{"fold_pad", refuse, apply};

}  // namespace qtool
