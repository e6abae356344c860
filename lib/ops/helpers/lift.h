#pragma once
// What lift functions are made of: attributes that became inputs, nodes put in front or behind.

#include <string>

#include "ops/op_def.h"

namespace qtool {

/// A new weight beside `node`; its name starts with that of the node's first output.
Value* add_constant(Graph& graph, const Node& node, const std::string& suffix, Tensor tensor);
/// Attribute `name`, a list of integers, becomes input `index` (int64); nothing happens where it is absent.
void ints_to_input(Graph& graph, Node& node, const char* name, size_t index);
/// "node ... cannot be lifted: reason", unsupported.
[[noreturn]] void refuse_lift(const Node& node, const std::string& reason);

}  // namespace qtool
