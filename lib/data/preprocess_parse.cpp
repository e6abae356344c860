#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/output_file.h"
#include "data/preprocess.h"

namespace qtool {
namespace {

using nlohmann::json;

constexpr size_t kLargestFile = size_t{1} << 20;
constexpr std::array<std::string_view, 10> kKeys{"color", "resize", "short_side", "interpolation", "crop",
                                                 "pad",   "scale",  "mean",       "std",           "layout"};

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j)
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row.back();
}

std::string_view nearest_key(std::string_view key) {
  key = key.substr(0, 40);
  return *std::min_element(kKeys.begin(), kKeys.end(), [&](auto a, auto b) { return edit_distance(key, a) < edit_distance(key, b); });
}

/// A value as it is shown: short, on one line, plain characters only.
std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

/// Reads fields of one object; mistakes are gathered.
class Fields {
 public:
  Fields(const json& object, std::string name) : object_(object), name_(std::move(name)) {}

  void check_keys() {
    for (const auto& [key, value] : object_.items())
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
        complain("", "unknown key " + shown(json(key)) + ", nearest: \"" + std::string(nearest_key(key)) + "\"");
  }

  template <class T>
  void choice(const char* key, std::initializer_list<std::pair<std::string_view, T>> choices, T& out) {
    const json* value = find(key);
    if (!value) return;
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (*value == name) {
        out = meaning;
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    complain(key, shown(*value) + " is not one of " + names);
  }

  void number(const char* key, float& out) {
    const json* value = find(key);
    if (value && !read_number(*value, out)) complain(key, "expected a finite number, found " + shown(*value));
  }

  void side(const char* key, std::optional<int>& out) {
    const json* value = find(key);
    if (!value) return;
    int number = 0;
    if (read_side(*value, number))
      out = number;
    else
      complain(key, "expected a whole number of 1 to " + std::to_string(kLongestSide) + ", found " + shown(*value));
  }

  void size(const char* key, std::optional<Size>& out, float* third = nullptr) {
    const json* value = find(key);
    if (!value) return;
    Size size;
    const size_t parts = third ? 3 : 2;
    const bool right = value->is_array() && value->size() == parts && read_side((*value)[0], size.height) &&
                       read_side((*value)[1], size.width) && (!third || read_number((*value)[2], *third));
    if (!right || int64_t{size.height} * size.width > kMostPixels)
      complain(key, std::string("expected [height, width") + (third ? ", value]" : "]") + " with sides of 1 to " +
                        std::to_string(kLongestSide) + ", found " + shown(*value));
    else
      out = size;
  }

  void numbers(const char* key, size_t channels, std::vector<float>& out, bool zero_allowed) {
    const json* value = find(key);
    if (!value) return;
    const json list = value->is_array() ? *value : json::array({*value});
    for (const json& item : list) {
      float number = 0;
      if (!read_number(item, number) || (!zero_allowed && number == 0))
        return complain(key, std::string("expected finite numbers") + (zero_allowed ? "" : " other than 0") + ", found " + shown(*value));
      out.push_back(number);
    }
    if (out.size() != 1 && out.size() != channels)
      complain(key, "expected 1 or " + std::to_string(channels) + " numbers, found " + std::to_string(out.size()));
  }

  void complain(const std::string& key, const std::string& what) {
    mistakes_ += (mistakes_.empty() ? "" : "\n") + name_ + ": /" + key + ": " + what;
  }
  void finish() const {
    if (!mistakes_.empty()) throw invalid_file(mistakes_);
  }

 private:
  const json* find(const char* key) const {
    const auto at = object_.find(key);
    return at == object_.end() ? nullptr : &*at;
  }
  static bool read_number(const json& value, float& out) {
    if (!value.is_number()) return false;
    out = static_cast<float>(value.get<double>());
    return std::isfinite(out);
  }
  static bool read_side(const json& value, int& out) {
    if (!value.is_number_integer()) return false;
    const double number = value.get<double>();
    if (number < 1 || number > kLongestSide) return false;
    out = value.get<int>();
    return true;
  }

  const json& object_;
  std::string name_, mistakes_;
};

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.substr(0, 160);
}

/// No value of this file is deeper than a list; what is would be copied and printed by recursion.
json::parser_callback_t refuse_depth(const std::string& name) {
  return [&name](int depth, json::parse_event_t, const json&) {
    if (depth > 4) throw invalid_file(name + ": lists within lists within lists, which no key takes");
    return true;
  };
}

json parse_object(std::string_view text, const std::string& name) {
  try {
    json object = json::parse(text, refuse_depth(name));
    if (!object.is_object()) throw invalid_file(name + ": expected a JSON object, found " + shown(object));
    return object;
  } catch (const json::exception& error) {
    throw invalid_file(name + ": not JSON: " + one_line(error.what()));
  }
}

}  // namespace

Preprocess parse_preprocess(std::string_view text, const std::string& name) {
  const json object = parse_object(text, name);
  Fields fields(object, name);
  Preprocess steps;
  fields.check_keys();
  fields.choice<Color>("color", {{"gray", Color::gray}, {"rgb", Color::rgb}, {"bgr", Color::bgr}}, steps.color);
  fields.size("resize", steps.resize);
  fields.side("short_side", steps.short_side);
  fields.choice<Interpolation>("interpolation",
                               {{"bilinear", Interpolation::bilinear}, {"bicubic", Interpolation::bicubic}, {"area", Interpolation::area}},
                               steps.interpolation);
  fields.size("crop", steps.crop);
  fields.size("pad", steps.pad, &steps.pad_value);
  fields.number("scale", steps.scale);
  const size_t channels = steps.color == Color::gray ? 1 : 3;
  fields.numbers("mean", channels, steps.mean, true);
  fields.numbers("std", channels, steps.std, false);
  fields.choice<ImageLayout>("layout", {{"NCHW", ImageLayout::nchw}, {"NHWC", ImageLayout::nhwc}}, steps.layout);
  if (object.contains("resize") && object.contains("short_side")) fields.complain("short_side", "stands beside resize; only one can be");
  fields.finish();
  return steps;
}

Preprocess load_preprocess(const std::string& path) { return parse_preprocess(read_input(path, kLargestFile), path); }

}  // namespace qtool
