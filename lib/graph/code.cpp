// Python code of a model, as torch.fx prints it.

#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <unordered_map>

#include "graph/print.h"

namespace qtool {
namespace {

bool plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

const std::set<std::string>& keywords() {
  static const std::set<std::string> kWords{"False",   "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
                                            "class",   "continue", "def",   "del",    "elif", "else",   "except", "for",      "from",
                                            "finally", "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
                                            "or",      "pass",     "raise", "return", "try",  "while",  "with",   "yield",    "self"};
  return kWords;
}

std::string identifier(const std::string& name) {
  std::string text;
  for (const char c : name) text += plain(c) ? c : '_';
  if (text.empty() || (text[0] >= '0' && text[0] <= '9') || keywords().count(text)) text = "_" + text;
  return text;
}

/// A Python string literal; bytes beyond ASCII are escaped.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
    if (c == '\'' || c == '\\')
      out += std::string("\\") + c;
    else if (byte < 32 || byte > 126)
      out += escaped;
    else
      out += c;
  }
  return out + "'";
}

std::string number(float value) {
  if (std::isnan(value)) return "float('nan')";
  if (std::isinf(value)) return value > 0 ? "float('inf')" : "-float('inf')";
  char text[32];
  const std::string digits(text, std::to_chars(text, text + sizeof(text), value).ptr);
  return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
}

template <class T, class F>
std::string list(const std::vector<T>& values, F&& show) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + show(value);
  return "[" + text + "]";
}

std::string shown(const Tensor& tensor) {
  return "tensor(" + quoted(std::string(name_of(tensor.dtype())) + " " + to_string(tensor.shape())) + ")";
}

/// "self.conv1.weight"; getattr where a piece is no identifier.
std::string attribute_path(const std::string& name) {
  std::string path = "self", piece;
  std::istringstream pieces(name);
  while (std::getline(pieces, piece, '.')) {
    if (piece.empty() || identifier(piece) != piece) return "getattr(self, " + quoted(name) + ")";
    path += "." + piece;
  }
  return name.empty() || name.back() == '.' ? "getattr(self, " + quoted(name) + ")" : path;
}

class CodeWriter {
 public:
  std::string run(const Model& model) {
    function("forward", *model.graph);
    for (const auto& each : model.functions) {
      out_ << "\n";
      function(identifier(each->name), *each->body);
    }
    return out_.str();
  }

 private:
  const std::string& name_of_value(const Value& value) {
    const auto [at, fresh] = names_.try_emplace(&value);
    if (fresh) at->second = unique(identifier(value.name()));
    return at->second;
  }

  std::string unique(const std::string& base) {
    std::string name = base;
    for (int i = 1; !taken_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
    return name;
  }

  void function(const std::string& name, const Graph& graph) {
    std::string parameters = "self";
    for (const Node* input : graph.placeholders()) parameters += ", " + name_of_value(*input->out(0));
    out_ << "def " << name << "(" << parameters << "):\n";
    block(graph, "    ");
  }

  void block(const Graph& graph, const std::string& indent) {
    for (const Node& node : graph.nodes()) statement(node, indent);
    std::string results;
    for (const Value* value : graph.output().inputs()) results += (results.empty() ? "" : ", ") + name_or_none(value);
    out_ << indent << "return (" << results << (graph.output().input_count() == 1 ? ",)\n" : ")\n");
  }

  std::string name_or_none(const Value* value) { return value ? name_of_value(*value) : "None"; }

  void statement(const Node& node, const std::string& indent) {
    if (node.kind() == NodeKind::get_attr)
      out_ << indent << name_of_value(*node.out(0)) << " = " << attribute_path(node.out(0)->name()) << "\n";
    if (!node.is_call()) return;
    const std::string given = kwargs(node, indent);  // bodies are defined in front
    out_ << indent << results(node) << callee(node) << "(" << args(node) << (node.input_count() && !given.empty() ? ", " : "") << given
         << ")\n";
  }

  std::string results(const Node& node) {
    std::string text;
    for (const auto& value : node.outputs()) text += (text.empty() ? "" : ", ") + (value ? name_of_value(*value) : std::string("_"));
    return text.empty() ? "" : text + " = ";
  }

  static std::string callee(const Node& node) {
    if (node.kind() == NodeKind::call_module) return "self." + identifier(node.op);
    std::string path;
    for (const char c : node.target()) path += plain(c) || c == '.' ? c : '_';
    return path;
  }

  std::string args(const Node& node) {
    std::string text;
    for (size_t i = 0; i < node.input_count(); ++i) text += (i ? ", " : "") + name_or_none(node.in(i));
    return text;
  }

  std::string kwargs(const Node& node, const std::string& indent) {
    std::string text;
    for (const Attribute& attribute : node.attributes)
      text += (text.empty() ? "" : ", ") + identifier(attribute.name) + " = " +
              (attribute.reference.empty() ? std::visit(Show{*this, attribute.name, indent}, attribute.value)
                                           : "self." + identifier(attribute.reference));
    return text;
  }

  /// Defines a body and gives its name.
  std::string nested(const std::string& attribute, const Graph& body, const std::string& indent) {
    const std::string name = unique(identifier(attribute));
    std::string parameters;
    for (const Node* input : body.placeholders()) parameters += (parameters.empty() ? "" : ", ") + name_of_value(*input->out(0));
    out_ << indent << "def " << name << "(" << parameters << "):\n";
    block(body, indent + "    ");
    return name;
  }

  struct Show {
    CodeWriter& writer;
    const std::string& name;
    const std::string& indent;
    std::string operator()(std::monostate) const { return "..."; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(float value) const { return number(value); }
    std::string operator()(const std::string& value) const { return quoted(value); }
    std::string operator()(const std::vector<int64_t>& values) const {
      return list(values, [](int64_t value) { return std::to_string(value); });
    }
    std::string operator()(const std::vector<float>& values) const { return list(values, number); }
    std::string operator()(const std::vector<std::string>& values) const { return list(values, quoted); }
    std::string operator()(const SealedTensor& value) const { return shown(value.tensor); }
    std::string operator()(const std::shared_ptr<Graph>& body) const { return writer.nested(name, *body, indent); }
    std::string operator()(const std::vector<std::shared_ptr<Graph>>& bodies) const {
      return list(bodies, [&](const auto& body) { return writer.nested(name, *body, indent); });
    }
  };

  std::ostringstream out_;
  std::unordered_map<const Value*, std::string> names_;
  std::set<std::string> taken_;
};

}  // namespace

std::string to_code(const Model& model) { return CodeWriter().run(model); }

}  // namespace qtool
