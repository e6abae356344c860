#include <algorithm>
#include <cmath>

#include "graph/pattern_node.h"
#include "pass/fuse.h"
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

using Kind = PatternNode::Kind;

/// Names bound by a pattern.
void collect_names(const PatternNode& node, std::vector<std::string>& names) {
  if (!node.name.empty()) names.push_back(node.name);
  for (const auto& arg : node.args) collect_names(*arg, names);
}

/// Everything in the replacement can be built.
void check(const PatternNode& node, const std::vector<std::string>& names, const std::string& text) {
  const auto fail = [&](const std::string& what) { throw invalid_file("replacement \"" + text + "\": " + what); };
  if (node.kind == Kind::choice || node.operators.size() > 1) fail("alternatives cannot be built");
  if (node.kind == Kind::constant) fail("\"const\" cannot be built");
  if (node.kind == Kind::call && node.further_inputs) fail("the inputs of " + node.operators[0] + " are not all given");
  if (node.kind == Kind::any && !std::count(names.begin(), names.end(), node.name)) fail("?" + node.name + " is not in the pattern");
  for (const auto& arg : node.args) check(*arg, names, text);
}

AttributeValue built(const PatternAttribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value)) return *text;
  if (const auto* list = std::get_if<std::vector<double>>(&attribute.value)) {
    if (attribute.is_float) return std::vector<float>(list->begin(), list->end());
    return std::vector<int64_t>(list->begin(), list->end());
  }
  const double number = std::get<double>(attribute.value);
  if (attribute.is_float) return static_cast<float>(number);
  return static_cast<int64_t>(number);
}

/// "com.microsoft.Gelu" -> domain and operator.
std::pair<std::string, std::string> split_target(const std::string& target) {
  const size_t dot = target.rfind('.');
  if (dot == std::string::npos) return {"", target};
  const std::string domain = target.substr(0, dot);
  return {domain == "ai.onnx" ? "" : domain, target.substr(dot + 1)};
}

class Builder {
 public:
  explicit Builder(const Match& match) : match_(match), graph_(match.root->graph()) {
    const DType type = match.root->out()->type.dtype;
    literal_type_ = type == DType::undefined ? DType::float32 : type;
  }

  Value* build(const PatternNode& node) {
    if (node.kind == Kind::any) return match_.bindings.at(node.name);
    const std::string base = match_.root->out()->name();
    if (node.kind == Kind::literal)
      return graph_.add_weight(graph_.fresh_name(base + "_constant"), Tensor::scalar(node.number).cast(literal_type_)).out();
    std::vector<Value*> inputs;
    for (const auto& arg : node.args) inputs.push_back(build(*arg));
    const auto [domain, op] = split_target(node.operators[0]);
    Node& made = graph_.add_call(NodeKind::call_function, domain, op, inputs, {graph_.fresh_name(base + "_replaced")}, match_.root);
    for (const PatternAttribute& attribute : node.attributes) made.set_attribute(attribute.name, built(attribute));
    return made.out();
  }

 private:
  const Match& match_;
  Graph& graph_;
  DType literal_type_;
};

void replace(const Match& match, const PatternNode& replacement) {
  Graph& graph = match.root->graph();
  Value& now = *Builder(match).build(replacement);
  Value& old = *match.root->out();
  const std::string name = old.name();
  now.type = old.type;
  now.producer().name = match.root->name;
  graph.replace_uses(old, now);
  for (auto node = match.nodes.rbegin(); node != match.nodes.rend(); ++node) graph.erase(**node);
  graph.rename(now, name);
}

/// Domains of the new nodes that the model does not import yet, at version 1.
void import_domains(Model& model, const PatternNode& node) {
  if (node.kind == Kind::call) {
    const std::string domain = split_target(node.operators[0]).first;
    if (!domain.empty() && model.opset(domain) == 0) model.set_opset(domain, 1);
  }
  for (const auto& arg : node.args) import_domains(model, *arg);
}

bool has_one_output(const Node& node) {
  for (size_t i = 1; i < node.output_count(); ++i)
    if (node.out(i) && !node.out(i)->unused()) return false;
  return true;
}

}  // namespace

PassReport replace_pattern(Model& model, const Pattern& pattern, const std::string& replacement,
                           const std::function<bool(const Node&)>& allowed) {
  PassReport report("replace_pattern");
  const Pattern target = Pattern::parse(replacement);
  if (target.root().kind != Kind::call) throw invalid_file("replacement \"" + replacement + "\": expected a call");
  std::vector<std::string> names;
  collect_names(pattern.root(), names);
  check(target.root(), names, replacement);
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      const auto found = match(pattern, node);
      if (!found) continue;
      if (allowed && !std::all_of(found->nodes.begin(), found->nodes.end(), [&](const Node* each) { return allowed(*each); })) {
        report.skipped(node, "a node of the match may not be touched (--wrap)");
        continue;
      }
      if (!has_one_output(node)) {
        report.skipped(node, "it has other outputs that are used");
        continue;
      }
      report.changed(node);
      replace(*found, target.root());
    }
  });
  if (report.changes.empty()) return report;
  import_domains(model, target.root());
  drop_dead(model);  // constants only the old nodes used
  return report;
}

}  // namespace qtool
