#include "config/cursor.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "config/nearest.h"

namespace qtool {
namespace {

/// A key inside a pointer: "~" and "/" escaped.
std::string escaped(const std::string& key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

constexpr size_t kShownLength = 60;

}  // namespace

std::string number_text(double value) {
  return nlohmann::json(value == std::rint(value) && std::fabs(value) < 1e15 ? nlohmann::json(static_cast<int64_t>(value))
                                                                             : nlohmann::json(value))
      .dump();
}

Cursor::Cursor(const nlohmann::ordered_json& document, Mistakes& mistakes) : Cursor(&document, "", &mistakes) {}
Cursor::Cursor(const nlohmann::ordered_json* value, std::string pointer, Mistakes* mistakes)
    : value_(value), pointer_(std::move(pointer)), mistakes_(mistakes) {}

std::string Cursor::where() const { return mistakes_->source() + ": " + (pointer_.empty() ? "/" : pointer_); }
bool Cursor::is_null() const { return value_ && value_->is_null(); }
bool Cursor::is_object() const { return value_ && value_->is_object(); }
bool Cursor::is_array() const { return value_ && value_->is_array(); }
bool Cursor::is_string() const { return value_ && value_->is_string(); }

/// What stands here, in a few words.
std::string Cursor::found() const {
  if (value_->is_object()) return "an object";
  if (value_->is_array()) return "an array";
  std::string text = value_->dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  return text.size() > kShownLength ? text.substr(0, kShownLength) + "..." : text;
}

void Cursor::mistake(const std::string& message) { mistakes_->add(pointer_, message); }

void Cursor::not_a(const std::string& what) {
  if (!missing()) mistake(found() + " is not " + what);
}

bool Cursor::missing() {
  if (!absent()) return false;
  mistake("missing");
  return true;
}

Cursor Cursor::operator[](const std::string& key) {
  known_.insert(key);
  const bool there = is_object() && value_->contains(key);
  return {there ? &value_->at(key) : nullptr, pointer_ + "/" + escaped(key), mistakes_};
}

std::vector<std::pair<std::string, Cursor>> Cursor::members() {
  std::vector<std::pair<std::string, Cursor>> result;
  if (absent()) return result;
  if (!is_object()) {
    mistake(found() + " is not an object");
    return result;
  }
  for (const auto& [key, value] : value_->items()) result.emplace_back(key, (*this)[key]);
  return result;
}

std::vector<Cursor> Cursor::elements() {
  std::vector<Cursor> result;
  if (absent()) return result;
  if (!is_array()) {
    mistake(found() + " is not an array");
    return result;
  }
  for (size_t i = 0; i < value_->size(); ++i) result.push_back(Cursor(&(*value_)[i], pointer_ + "/" + std::to_string(i), mistakes_));
  return result;
}

std::string Cursor::string(std::optional<std::string> fallback) {
  if (absent() && fallback) return *fallback;
  if (missing()) return {};
  if (is_string()) return value_->get<std::string>();
  mistake(found() + " is not a string");
  return fallback.value_or("");
}

bool Cursor::boolean(std::optional<bool> fallback) {
  if (absent() && fallback) return *fallback;
  if (missing()) return false;
  if (value_->is_boolean()) return value_->get<bool>();
  mistake(found() + " is not true or false");
  return fallback.value_or(false);
}

double Cursor::number(double lo, double hi, std::optional<double> fallback) {
  if (absent() && fallback) return *fallback;
  if (missing()) return lo;
  if (!value_->is_number()) {
    mistake(found() + " is not a number");
  } else if (const double value = value_->get<double>(); value >= lo && value <= hi) {
    return value;
  } else {
    mistake(found() + " is outside " + number_text(lo) + ".." + number_text(hi));
  }
  return fallback.value_or(lo);
}

int64_t Cursor::integer(int64_t lo, int64_t hi, std::optional<int64_t> fallback) {
  if (absent() && fallback) return *fallback;
  if (missing()) return lo;
  const bool fits = value_->is_number_integer() && !(value_->is_number_unsigned() && value_->get<uint64_t>() > INT64_MAX);
  if (!value_->is_number_integer()) {
    mistake(found() + " is not a whole number");
  } else if (fits && value_->get<int64_t>() >= lo && value_->get<int64_t>() <= hi) {
    return value_->get<int64_t>();
  } else {
    mistake(found() + " is outside " + std::to_string(lo) + ".." + std::to_string(hi));
  }
  return fallback.value_or(lo);
}

std::vector<std::string> Cursor::strings() {
  std::vector<std::string> result;
  for (Cursor& element : elements()) result.push_back(element.string());
  return result;
}

std::optional<size_t> Cursor::index_of(const std::vector<std::string>& words) {
  if (missing()) return std::nullopt;
  for (size_t i = 0; is_string() && i < words.size(); ++i)
    if (value_->get_ref<const std::string&>() == words[i]) return i;
  mistake(found() + " is not one of " + joined(words));
  return std::nullopt;
}

void Cursor::finish() {
  if (!is_object()) return;
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& [key, value] : value_->items()) {
    if (known_.count(key)) continue;
    const std::string closest = nearest(key, known);
    mistakes_->add(pointer_ + "/" + escaped(key),
                   closest.empty() ? "unknown key; known here: " + joined(known) : "unknown key, did you mean \"" + closest + "\"?");
  }
}

}  // namespace qtool
