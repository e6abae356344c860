#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace qtool {

/// Operator set versions by domain ("" is ai.onnx), in the order of the file.
using Opsets = std::vector<std::pair<std::string, int64_t>>;

/// A model-local function (ONNX FunctionProto): placeholders without type, a body, an output node.
struct Function {
  std::string domain, name, overload;
  std::unique_ptr<Graph> body;
  std::vector<std::string> attributes;        ///< declared, without default
  std::vector<Attribute> attribute_defaults;  ///< attribute_proto
  Opsets opsets;
  Sealed sealed;
};

/// A whole ONNX file. Nothing of it is lost: what has no field here is in `sealed` (docs/architecture.md).
struct Model {
  Model();
  std::unique_ptr<Graph> graph;
  std::vector<std::unique_ptr<Function>> functions;
  Opsets opsets;
  int64_t ir_version = 8;
  std::vector<std::pair<std::string, std::string>> metadata;
  Sealed sealed;         ///< ModelProto without graph, functions, opsets, ir_version, metadata
  std::string base_dir;  ///< where external data lies; "" = current directory

  int64_t opset(const std::string& domain = "") const;  ///< 0 when not imported; 1 for "" of IR < 3
  void set_opset(const std::string& domain, int64_t version);
  const std::string* find_metadata(const std::string& key) const;
  void set_metadata(const std::string& key, std::string value);
  void remove_metadata(const std::string& key);
  Function* find_function(const std::string& domain, const std::string& name, const std::string& overload = "") const;
  /// The function a call_module node calls; Error(bug) when it is missing.
  Function& function_of(const Node& node) const;
};

/// Deep copy; weights share their bytes.
Model copy(const Model& model);

/// Invariants of LAYOUT: order, unique names, uses <-> inputs, placeholders first, output last, call_module targets exist,
/// calls take at least their function's inputs. Throws Error(bug) naming the first breach, with `when` in front
/// ("after pass drop_identity").
void lint(const Model& model, const std::string& when);

/// The FX table of SPEC 1 (`opcode name target args kwargs`), one node a line, bodies indented; for tests and `print`.
std::string to_table(const Model& model);
std::string to_table(const Graph& graph);

}  // namespace qtool
