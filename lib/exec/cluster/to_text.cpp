#include "exec/cluster.h"

namespace qtool {
namespace {

std::string text_of(const Operand& operand) {
  if (!operand.value) return "-";
  return (operand.quantized() ? "p " : "f ") + operand.value->name();
}

template <class T, class F>
std::string joined(const std::vector<T>& items, F&& show) {
  std::string text;
  for (const T& item : items) text += (text.empty() ? "" : ", ") + show(item);
  return text;
}

std::string text_of_post(const PostOp& post) {
  switch (post.kind) {
    case PostOp::Kind::activation:
      return "activation(" + post.node->op + ")";
    case PostOp::Kind::requantize:
      return "requantize";
    case PostOp::Kind::add:
      return "add(" + text_of(post.operand) + ")";
    case PostOp::Kind::mul:
      return "mul(" + text_of(post.operand) + ")";
  }
  return "?";
}

}  // namespace

std::string_view name_of(ClusterKind kind) {
  switch (kind) {
    case ClusterKind::node:
      return "node";
    case ClusterKind::compute:
      return "compute";
    case ClusterKind::arithmetic:
      return "arithmetic";
    case ClusterKind::unary:
      return "unary";
    case ClusterKind::pass_through:
      return "pass_through";
    case ClusterKind::reduce:
      return "reduce";
    case ClusterKind::concat:
      return "concat";
    case ClusterKind::normalize:
      return "normalize";
    case ClusterKind::softmax:
      return "softmax";
    case ClusterKind::requantize:
      return "requantize";
    case ClusterKind::quantize:
      return "quantize";
    case ClusterKind::dequantize:
      return "dequantize";
    case ClusterKind::observe:
      return "observe";
  }
  return "?";
}

std::string Cluster::name() const { return root->path(); }

std::string to_text(const std::vector<Cluster>& clusters) {
  std::string text;
  for (const Cluster& cluster : clusters) {
    text += std::string(name_of(cluster.kind)) + " " + cluster.root->op + ": " + joined(cluster.inputs, text_of);
    if (!cluster.post_ops.empty()) text += "; " + joined(cluster.post_ops, text_of_post);
    text += " -> " + joined(cluster.outputs, text_of) + "\n";
  }
  return text;
}

}  // namespace qtool
