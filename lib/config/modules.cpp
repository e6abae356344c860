#include "config/modules.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/cursor.h"
#include "config/embedded.h"
#include "graph/pattern.h"

namespace qtool {
namespace {

constexpr size_t kMostExpressions = 64;

std::vector<Module> read_modules() {
  Mistakes mistakes("modules.json");
  const auto document = parse_document(embedded_config("modules.json"), mistakes);
  std::vector<Module> table;
  Cursor root(document, mistakes);
  root["$schema"], root["description"];
  for (auto& [name, entry] : root["modules"].members()) {
    Module module{name, entry["patterns"].strings(), static_cast<int>(entry["weight_rank"].integer(0, 8, 0))};
    for (const std::string& pattern : module.patterns) Pattern::parse(pattern);
    entry.finish();
    table.push_back(std::move(module));
  }
  root.finish();
  mistakes.throw_if_any();
  return table;
}

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// A place where a pattern names an operator: [begin, end) with the "(...)" behind it.
struct Place {
  size_t begin = 0, end = 0;
  const Module* module = nullptr;
};

/// End of "(...)" at `at`; `at` itself where an alias is written bare. Throws on other arguments.
size_t end_of_arguments(const std::string& pattern, size_t at) {
  size_t i = at;
  auto next = [&] {
    while (i < pattern.size() && std::isspace(static_cast<unsigned char>(pattern[i]))) ++i;
    return i < pattern.size() ? pattern[i] : '\0';
  };
  if (next() != '(') return at;
  ++i;
  next();
  if (pattern.compare(i, 3, "...") == 0) i += 3;
  if (next() == ')') return i + 1;
  throw invalid_file("pattern \"" + pattern + "\": column " + std::to_string(at + 1) + ": a module alias is written bare or with (...)");
}

/// The first alias from `from` on.
Place find_alias(const std::string& pattern, size_t from) {
  for (size_t i = from; i < pattern.size();) {
    if (!in_name(pattern[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < pattern.size() && in_name(pattern[end])) ++end;
    const bool other = i > 0 && (pattern[i - 1] == '?' || pattern[i - 1] == '@' || pattern[i - 1] == '=' || pattern[i - 1] == '.');
    const Module* module = other ? nullptr : module_named(pattern.substr(i, end - i));
    if (module) return {i, end_of_arguments(pattern, end), module};
    i = end;
  }
  return {};
}

/// ?x -> ?x_2, so that two uses of an alias do not bind each other's values.
std::string renamed(const std::string& expression, size_t use) {
  if (use == 0) return expression;
  std::string out;
  for (size_t i = 0; i < expression.size();) {
    out += expression[i++];
    if (out.back() != '?') continue;
    while (i < expression.size() && in_name(expression[i])) out += expression[i++];
    out += "_" + std::to_string(use + 1);
  }
  return out;
}

/// `done` characters hold no alias any more.
void expand(const std::string& pattern, size_t done, size_t uses, ExpandedPattern& result) {
  if (result.expressions.size() > kMostExpressions) throw invalid_file("pattern has more than 64 forms");
  const Place place = find_alias(pattern, done);
  if (!place.module) {
    result.expressions.push_back(pattern);
    return;
  }
  if (place.module->weight_rank) result.weight_rank = place.module->weight_rank;
  for (const std::string& form : place.module->patterns) {
    const std::string text = renamed(form, uses);
    expand(pattern.substr(0, place.begin) + text + pattern.substr(place.end), place.begin + text.size(), uses + 1, result);
  }
}

}  // namespace

const std::vector<Module>& modules() {
  static const std::vector<Module> table = read_modules();
  return table;
}

const Module* module_named(std::string_view name) {
  for (const Module& module : modules())
    if (module.name == name) return &module;
  return nullptr;
}

ExpandedPattern expand_modules(const std::string& pattern) {
  ExpandedPattern result;
  expand(pattern, 0, 0, result);
  return result;
}

}  // namespace qtool
