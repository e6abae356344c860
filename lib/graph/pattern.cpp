// Recursive descent over the grammar
//
//   pattern  = alternative { " | " alternative }
//   alternative = "?" name [ "=" ] | "const" [ "?" name [ "=" ] ] | number
//               | operator { "|" operator } [ "(" item { "," item } ")" ]
//   item     = pattern | "@" name "=" value | "..."
#include "graph/pattern.h"

#include <cctype>
#include <cstdlib>

#include "base/error.h"
#include "graph/pattern_node.h"

namespace qtool {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxLength = 4096;

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool starts_number(char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '+'; }

std::shared_ptr<PatternNode> make(PatternNode::Kind kind) {
  auto node = std::make_shared<PatternNode>();
  node->kind = kind;
  return node;
}

/// The tree with every variable renamed, so that two uses of one alias do not bind each other's values.
PatternNodePtr rename_variables(const PatternNodePtr& tree, const std::string& suffix) {
  auto copy = std::make_shared<PatternNode>(*tree);
  if (!copy->name.empty()) copy->name += suffix;
  for (PatternNodePtr& arg : copy->args) arg = rename_variables(arg, suffix);
  return copy;
}

class Parser {
 public:
  Parser(std::string_view text, const ModuleAliases& aliases, int depth) : text_(text), aliases_(aliases), depth_(depth) {}

  PatternNodePtr whole() {
    PatternNodePtr tree = choice();
    skip_spaces();
    if (at_ != text_.size()) fail("the end of the pattern");
    return tree;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    const std::string found = at_ < text_.size() ? "\"" + std::string(text_.substr(at_, 12)) + "\"" : "the end";
    throw invalid_file("pattern \"" + std::string(text_) + "\": column " + std::to_string(at_ + 1) + ": expected " + expected + ", found " +
                       found);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool skip_spaces() {
    const size_t start = at_;
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ != start;
  }
  bool take(std::string_view word) {
    skip_spaces();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail("\"" + std::string(word) + "\"");
  }

  std::string name(const char* what) {
    skip_spaces();
    if (!starts_name(peek())) fail(what);
    const size_t start = at_;
    while (in_name(peek()) || (peek() == '.' && at_ + 1 < text_.size() && starts_name(text_[at_ + 1]))) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  double number() {
    skip_spaces();
    const std::string rest(text_.substr(at_, 64));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str()) fail("a number");
    at_ += static_cast<size_t>(end - rest.c_str());
    return value;
  }

  PatternNodePtr choice() {
    if (++depth_ > kMaxDepth) fail("fewer nested calls");
    std::vector<PatternNodePtr> found{alternative()};
    while (take("|")) found.push_back(alternative());
    --depth_;
    if (found.size() == 1) return found[0];
    auto node = make(PatternNode::Kind::choice);
    node->args = std::move(found);
    return node;
  }

  PatternNodePtr alternative() {
    skip_spaces();
    if (peek() == '?') return variable(PatternNode::Kind::any);
    if (starts_number(peek())) return literal();
    if (starts_name(peek())) return constant_or_call();
    fail("an operator, ?name, const or a number");
  }

  PatternNodePtr literal() {
    auto node = make(PatternNode::Kind::literal);
    node->number = number();
    return node;
  }

  std::shared_ptr<PatternNode> variable(PatternNode::Kind kind) {
    expect("?");
    auto node = make(kind);
    node->name = name("a name after \"?\"");
    if (peek() == '=') {
      ++at_;
      node->optional = true;
    }
    return node;
  }

  PatternNodePtr constant_or_call() {
    std::vector<std::string> operators{name("an operator")};
    if (operators[0] == "const") {
      skip_spaces();
      return peek() == '?' ? variable(PatternNode::Kind::constant) : make(PatternNode::Kind::constant);
    }
    while (peek() == '|') {
      ++at_;
      operators.push_back(name("an operator after \"|\""));
    }
    if (operators.size() == 1) {
      const auto alias = aliases_.find(operators[0]);
      if (alias != aliases_.end()) return expand(alias->first, alias->second);
    }
    auto node = make(PatternNode::Kind::call);
    node->operators = std::move(operators);
    arguments(*node);
    return node;
  }

  void arguments(PatternNode& call) {
    if (!take("(")) {
      call.further_inputs = true;
      return;
    }
    if (take(")")) return;
    do {
      item(call);
    } while (take(","));
    expect(")");
  }

  void item(PatternNode& call) {
    if (take("@")) {
      call.attributes.push_back(attribute());
    } else if (take("...")) {
      call.further_inputs = true;
    } else {
      if (call.further_inputs) fail("no input after \"...\"");
      call.args.push_back(choice());
    }
  }

  PatternAttribute attribute() {
    PatternAttribute found{name("the name of an attribute"), {}};
    expect("=");
    skip_spaces();
    const size_t start = at_;
    if (take("[")) {
      found.value = numbers();
    } else if (starts_number(peek())) {
      found.value = number();
    } else if (take("\"")) {
      found.value = quoted();
    } else {
      found.value = name("a number, a word or a list");
    }
    if (found.value.index() != 1) found.is_float = text_.substr(start, at_ - start).find_first_of(".eE") != std::string_view::npos;
    return found;
  }

  std::vector<double> numbers() {
    std::vector<double> found;
    if (take("]")) return found;
    do {
      found.push_back(number());
    } while (take(","));
    expect("]");
    return found;
  }

  std::string quoted() {
    const size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) fail("a closing quote");
    std::string found(text_.substr(at_, end - at_));
    at_ = end + 1;
    return found;
  }

  /// An alias is written bare or with "(...)": its expressions say what flows in.
  PatternNodePtr expand(const std::string& alias, const std::vector<std::string>& expressions) {
    if (take("(")) {
      expect("...");
      expect(")");
    }
    auto node = make(PatternNode::Kind::choice);
    const std::string suffix = "@" + alias + std::to_string(at_);
    for (const std::string& expression : expressions) {
      ModuleAliases others = aliases_;
      others.erase(alias);  // Gemm in the alias Gemm is the operator
      node->args.push_back(rename_variables(Parser(expression, others, depth_).whole(), suffix));
    }
    return node;
  }

  std::string_view text_;
  const ModuleAliases& aliases_;
  int depth_;
  size_t at_ = 0;
};

}  // namespace

Pattern Pattern::parse(std::string_view text, const ModuleAliases& aliases) {
  if (text.size() > kMaxLength) throw invalid_file("pattern of " + std::to_string(text.size()) + " characters, at most 4096 expected");
  Pattern pattern;
  pattern.text_ = text;
  pattern.root_ = Parser(text, aliases, 0).whole();
  return pattern;
}

std::string Pattern::chain(const std::vector<std::string>& operators) {
  std::string text;
  for (const std::string& op : operators) text = text.empty() ? op : op + "(" + text + ", ...)";
  return text;
}

}  // namespace qtool
