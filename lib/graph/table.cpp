// The FX table: opcode, name, target, args, kwargs.

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "graph/model.h"

namespace qtool {
namespace {

using Row = std::array<std::string, 5>;

std::string number(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}

std::string quoted(const std::string& text) { return "'" + text + "'"; }

template <class T, class F>
std::string list(const std::vector<T>& values, F&& show) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + show(value);
  return "[" + text + "]";
}

struct ShowAttribute {
  std::string operator()(std::monostate) const { return "..."; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(float value) const { return number(value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(const std::vector<int64_t>& values) const {
    return list(values, [](int64_t value) { return std::to_string(value); });
  }
  std::string operator()(const std::vector<float>& values) const { return list(values, number); }
  std::string operator()(const std::vector<std::string>& values) const { return list(values, quoted); }
  std::string operator()(const SealedTensor& value) const {
    return "tensor(" + std::string(name_of(value.tensor.dtype())) + " " + to_string(value.tensor.shape()) + ")";
  }
  std::string operator()(const std::shared_ptr<Graph>& body) const { return "graph(" + std::to_string(body->node_count()) + " nodes)"; }
  std::string operator()(const std::vector<std::shared_ptr<Graph>>& bodies) const { return std::to_string(bodies.size()) + " graphs"; }
};

std::string kwargs(const Node& node) {
  std::string text;
  for (const Attribute& attribute : node.attributes) {
    const std::string shown = attribute.reference.empty() ? std::visit(ShowAttribute{}, attribute.value) : "@" + attribute.reference;
    text += (text.empty() ? "" : ", ") + attribute.name + ": " + shown;
  }
  return "{" + text + "}";
}

std::string args(const Node& node) {
  std::string text;
  for (size_t i = 0; i < node.input_count(); ++i) text += (i ? ", " : "") + (node.in(i) ? node.in(i)->name() : "None");
  return "(" + text + (node.input_count() == 1 ? ",)" : ")");
}

std::string names(const Node& node) {
  if (node.kind() == NodeKind::output) return "output";
  std::string text;
  for (const auto& value : node.outputs()) text += (text.empty() ? "" : ", ") + (value ? value->name() : "_");
  return text;
}

std::string target(const Node& node) {
  if (node.kind() == NodeKind::call_function) return node.target();
  if (node.kind() == NodeKind::call_module) return node.op;
  return names(node);
}

void write_rows(std::ostream& out, const std::vector<Row>& rows, const std::string& indent) {
  std::array<size_t, 5> widths{};
  for (const Row& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  for (const Row& row : rows) {
    std::string line = indent;
    for (size_t c = 0; c < row.size(); ++c) line += row[c] + std::string(c + 1 < row.size() ? widths[c] - row[c].size() + 2 : 0, ' ');
    out << line << '\n';
  }
}

void write_graph(std::ostream& out, const Graph& graph, const std::string& indent) {
  std::vector<Row> rows{{"opcode", "name", "target", "args", "kwargs"}};
  for (const Node& node : graph.nodes())
    rows.push_back({std::string(name_of(node.kind())), names(node), target(node), args(node), kwargs(node)});
  write_rows(out, rows, indent);
  for (const Node& node : graph.nodes())
    for (const Node::Body& body : node.bodies()) {
      out << indent << "  " << node.path() << "/" << body.attribute << ":\n";
      write_graph(out, *body.graph, indent + "  ");
    }
}

}  // namespace

std::string to_table(const Graph& graph) {
  std::ostringstream out;
  write_graph(out, graph, "");
  return out.str();
}

std::string to_table(const Model& model) {
  std::ostringstream out;
  write_graph(out, *model.graph, "");
  for (const auto& function : model.functions) {
    out << "\nfunction " << (function->domain.empty() ? "" : function->domain + ".") << function->name << ":\n";
    write_graph(out, *function->body, "  ");
  }
  return out.str();
}

}  // namespace qtool
