#pragma once
// The syntax tree of a pattern (pattern.h), for those who match or build from it.

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace qtool {

struct PatternNode;
using PatternNodePtr = std::shared_ptr<const PatternNode>;

/// `@name=value`: the node has this attribute with this value; numbers compare relative 1e-6.
struct PatternAttribute {
  std::string name;
  std::variant<double, std::string, std::vector<double>> value;
  bool is_float = false;  ///< a number was written with a point or an exponent; says what to build, matching takes either
};

struct PatternNode {
  enum class Kind {
    any,       ///< ?name
    constant,  ///< const, const ?name
    literal,   ///< a scalar constant of this value
    call,      ///< one of `operators` with `args`
    choice,    ///< one of `args`
  };
  Kind kind = Kind::any;
  std::string name;       ///< any, constant: the variable; empty: none
  bool optional = false;  ///< any, constant: may be absent
  double number = 0;      ///< literal
  std::vector<std::string> operators;
  std::vector<PatternNodePtr> args;
  bool further_inputs = false;  ///< call: inputs beyond `args` are ignored ("...", or a bare operator name)
  std::vector<PatternAttribute> attributes;
};

}  // namespace qtool
