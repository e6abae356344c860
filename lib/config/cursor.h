#pragma once
// A place in a JSON file: the value and the pointer (RFC 6901) to it. Reading never stops at the first mistake: it notes what was found
// and what is allowed, goes on with a default, and the whole list is thrown at the end.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qtool {

/// Mistakes of one file, in the order found.
class Mistakes {
 public:
  explicit Mistakes(std::string source) : source_(std::move(source)) {}
  const std::string& source() const { return source_; }
  /// Notes "source: pointer: message"; the document itself has pointer "".
  void add(const std::string& pointer, const std::string& message);
  bool empty() const { return lines_.empty(); }
  /// Throws Error(invalid_file) with one line a mistake.
  void throw_if_any() const;

 private:
  std::string source_;
  std::vector<std::string> lines_;
};

/// A word of a file and what it stands for.
template <class T>
using Word = std::pair<std::string_view, T>;

/// Parses JSON text. Not JSON, nested deeper than 64 or larger than 64 MB: throws Error(invalid_file). A repeated key is a mistake.
nlohmann::ordered_json parse_document(std::string_view text, Mistakes& mistakes);

/// A number as mistakes show it: whole ones without a point, others shortest.
std::string number_text(double value);

class Cursor {
 public:
  /// The root of a document; `document` and `mistakes` outlive every cursor made from it.
  Cursor(const nlohmann::ordered_json& document, Mistakes& mistakes);

  /// "file: /pointer", for later stages that dislike this value.
  std::string where() const;
  const std::string& pointer() const { return pointer_; }
  bool absent() const { return value_ == nullptr; }
  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;

  /// A member; absent when there is none. The key counts as known from now on.
  Cursor operator[](const std::string& key);
  /// All members of an object of free keys (node names, ...), in file order; a mistake when this is no object.
  std::vector<std::pair<std::string, Cursor>> members();
  /// All elements of an array; a mistake when this is none.
  std::vector<Cursor> elements();

  // Scalars. Absent: the default, or a mistake ("missing") and an empty value where none is given. Wrong type or out of bounds: a mistake.
  std::string string(std::optional<std::string> fallback = std::nullopt);
  bool boolean(std::optional<bool> fallback = std::nullopt);
  double number(double lo, double hi, std::optional<double> fallback = std::nullopt);
  int64_t integer(int64_t lo, int64_t hi, std::optional<int64_t> fallback = std::nullopt);
  std::vector<std::string> strings();  ///< array of strings; absent: empty
  template <class T>
  T one_of(std::span<const Word<T>> words, std::optional<T> fallback = std::nullopt);

  /// Notes a mistake at this place.
  void mistake(const std::string& message);
  /// Notes "FOUND is not WHAT", or "missing".
  void not_a(const std::string& what);
  /// Every member nobody asked for is a mistake that names the nearest known key.
  void finish();

 private:
  Cursor(const nlohmann::ordered_json* value, std::string pointer, Mistakes* mistakes);
  /// Index of the word this string is; a mistake and nothing otherwise.
  std::optional<size_t> index_of(const std::vector<std::string>& words);
  bool missing();
  std::string found() const;

  const nlohmann::ordered_json* value_;
  std::string pointer_;
  Mistakes* mistakes_;
  std::set<std::string> known_;
};

template <class T>
T Cursor::one_of(std::span<const Word<T>> words, std::optional<T> fallback) {
  if (absent() && fallback) return *fallback;
  std::vector<std::string> names;
  for (const auto& word : words) names.emplace_back(word.first);
  const auto index = index_of(names);
  return index ? words[*index].second : fallback.value_or(words[0].second);
}

}  // namespace qtool
