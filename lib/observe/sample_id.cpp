#include "observe/sample_id.h"

#include <mutex>
#include <set>

namespace qtool {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The run of digits that starts a word, cut off it.
std::string_view take_digits(std::string_view& word) {
  size_t end = 0;
  while (end < word.size() && is_digit(word[end])) ++end;
  const auto digits = word.substr(0, end);
  word.remove_prefix(end);
  return digits;
}

std::string_view without_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  return digits;
}

/// < 0, 0, > 0 by value.
int compare_numbers(std::string_view a, std::string_view b) {
  a = without_zeros(a);
  b = without_zeros(b);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  int zeros = 0;  // first difference in leading zeros decides between otherwise equal words
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const auto x = take_digits(a), y = take_digits(b);
      if (const int order = compare_numbers(x, y)) return order < 0;
      if (zeros == 0 && x.size() != y.size()) zeros = x.size() < y.size() ? -1 : 1;
    } else {
      if (a[0] != b[0]) return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]);
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return zeros < 0;
}

SampleId::SampleId(std::string_view id) {
  if (id.empty()) return;
  static std::mutex mutex;
  static auto& pool = *new std::set<std::string, std::less<>>;  // never freed: handles outlive every static
  const std::lock_guard lock(mutex);
  auto place = pool.find(id);
  if (place == pool.end()) place = pool.emplace(id).first;
  text_ = &*place;
}

const std::string& SampleId::str() const {
  static const std::string none;
  return text_ ? *text_ : none;
}

}  // namespace qtool
