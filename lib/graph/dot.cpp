// A model as a Graphviz drawing.

#include <sstream>
#include <unordered_map>

#include "graph/print.h"

namespace qtool {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out + "\"";
}

std::string type_of(const Value& value) {
  if (value.type.dtype == DType::undefined) return "";
  std::string text = " " + std::string(name_of(value.type.dtype));
  if (!value.type.dims) return text;
  std::string dims;
  for (const Dim& dim : *value.type.dims)
    dims += (dims.empty() ? "" : "x") + (dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  return text + " " + (dims.empty() ? "scalar" : dims);
}

bool is_weight(const Value& value) { return value.producer().kind() == NodeKind::get_attr; }

/// Operator or function, the node's name, the weights it reads.
std::string label_of(const Node& node) {
  std::string text = node.kind() == NodeKind::call_module ? node.op : node.domain.empty() ? node.op : node.target();
  if (!node.name.empty()) text += "\\n" + node.name;
  for (const Value* value : node.inputs())
    if (value && is_weight(*value)) text += "\\n" + value->name() + type_of(*value);
  return text;
}

/// Quoted but for the line breaks of label_of.
std::string quoted_label(const std::string& text) {
  std::string out;
  size_t from = 0;
  for (size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", from)) {
    const std::string piece = quoted(text.substr(from, at - from));
    out += piece.substr(1, piece.size() - 2) + "\\n";
    from = at + 2;
  }
  const std::string last = quoted(text.substr(from));
  return "\"" + out + last.substr(1, last.size() - 2) + "\"";
}

class DotWriter {
 public:
  std::string run(const Model& model) {
    out_ << "digraph " << quoted(model.graph->name) << " {\n  node [shape=box, fontname=\"sans-serif\", fontsize=10]\n"
         << "  edge [fontname=\"sans-serif\", fontsize=8]\n";
    graph(*model.graph, "  ");
    out_ << "}\n";
    return out_.str();
  }

 private:
  const std::string& id(const Node& node) {
    const auto [at, fresh] = ids_.try_emplace(&node);
    if (fresh) at->second = "n" + std::to_string(ids_.size());
    return at->second;
  }

  void graph(const Graph& graph, const std::string& indent) {
    for (const Node& node : graph.nodes()) vertex(node, indent);
    for (const Node& node : graph.nodes())
      for (const Node::Body& body : node.bodies()) cluster(node, body, indent);
    for (const Node& node : graph.nodes()) edges(node, indent);
  }

  void vertex(const Node& node, const std::string& indent) {
    if (node.kind() == NodeKind::get_attr) return;
    out_ << indent << id(node) << " [label=";
    if (node.kind() == NodeKind::placeholder)
      out_ << quoted(node.out(0)->name() + type_of(*node.out(0))) << ", shape=oval";
    else if (node.kind() == NodeKind::output)
      out_ << "\"output\", shape=oval";
    else
      out_ << quoted_label(label_of(node)) << (node.kind() == NodeKind::call_module ? ", style=filled, fillcolor=lightgrey" : "");
    out_ << "]\n";
  }

  void cluster(const Node& node, const Node::Body& body, const std::string& indent) {
    out_ << indent << "subgraph cluster_" << ++clusters_ << " {\n"
         << indent << "  label=" << quoted(node.path() + "/" + std::string(body.attribute)) << "\n";
    graph(*body.graph, indent + "  ");
    out_ << indent << "}\n";
  }

  void edges(const Node& node, const std::string& indent) {
    for (const Value* value : node.inputs())
      if (value && !is_weight(*value))
        out_ << indent << id(value->producer()) << " -> " << id(node) << " [label=" << quoted(value->name() + type_of(*value)) << "]\n";
  }

  std::ostringstream out_;
  std::unordered_map<const Node*, std::string> ids_;
  size_t clusters_ = 0;
};

}  // namespace

std::string to_dot(const Model& model) { return DotWriter().run(model); }

}  // namespace qtool
