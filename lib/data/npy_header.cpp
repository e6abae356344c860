#include <algorithm>
#include <array>
#include <optional>

#include "data/npy.h"

namespace qtool {
namespace {

constexpr size_t kLongestHeader = size_t{1} << 16;
constexpr size_t kHighestRank = 64;  // numpy's own limit

struct Row {
  std::string_view code;
  DType dtype;
};
constexpr std::array kRows{Row{"f4", DType::float32},   Row{"f8", DType::float64},    Row{"f2", DType::float16}, Row{"b1", DType::boolean},
                           Row{"i1", DType::int8},      Row{"i2", DType::int16},      Row{"i4", DType::int32},   Row{"i8", DType::int64},
                           Row{"u1", DType::uint8},     Row{"u2", DType::uint16},     Row{"u4", DType::uint32},  Row{"u8", DType::uint64},
                           Row{"c8", DType::complex64}, Row{"c16", DType::complex128}};

/// The small part of Python's literals that headers are made of.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  bool accept(char c) {
    skip_space();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "'");
  }
  bool at_end() {
    skip_space();
    return text_.empty();
  }

  std::string quoted() {
    skip_space();
    const char quote = text_.empty() ? ' ' : text_[0];
    if (quote != '\'' && quote != '"') fail("a string (structured types are not supported)");
    const size_t end = text_.find(quote, 1);
    if (end == text_.npos) fail("the end of a string");
    std::string value(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return value;
  }

  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    fail("True or False");
  }

  int64_t dimension() {
    skip_space();
    int64_t value = 0;
    const size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    if (digits == 0 || digits > 18) fail("a dimension of 1 to 18 digits");
    for (const char c : text_.substr(0, digits)) value = value * 10 + (c - '0');
    text_.remove_prefix(digits);
    accept('L');  // written by Python 2
    return value;
  }

  Shape shape() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == kHighestRank) fail("at most 64 dimensions");
      shape.push_back(dimension());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  [[noreturn]] void fail(const std::string& expected) const {
    std::string found(text_.substr(0, 20));
    for (char& c : found)
      if (c < ' ' || c > '~') c = '?';
    throw invalid_file("npy header: expected " + expected + ", found \"" + found + "\"");
  }

 private:
  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }
  std::string_view text_;
};

struct Fields {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

void parse_field(Literal& literal, Fields& fields) {
  const std::string key = literal.quoted();
  literal.expect(':');
  if (key == "descr" && !fields.descr)
    fields.descr = literal.quoted();
  else if (key == "fortran_order" && !fields.fortran_order)
    fields.fortran_order = literal.boolean();
  else if (key == "shape" && !fields.shape)
    fields.shape = literal.shape();
  else
    literal.fail("descr, fortran_order and shape once each");
}

size_t header_length(ByteStream& stream) {
  char start[8];
  if (stream.size() < 10) throw invalid_file("no npy file: " + std::to_string(stream.size()) + " bytes");
  stream.read(start, sizeof(start));
  if (std::string_view(start, 6) != "\x93NUMPY") throw invalid_file("no npy file: it does not begin with \\x93NUMPY");
  const int version = start[6];
  if (version < 1 || version > 3) throw invalid_file("npy version " + std::to_string(version) + ", expected 1, 2 or 3");
  char digits[4];
  const size_t bytes = version == 1 ? 2 : 4;
  stream.read(digits, bytes);
  LittleEndian number({digits, bytes});
  return bytes == 2 ? number.u16() : number.u32();
}

}  // namespace

NpyHeader parse_npy_header(std::string_view text) {
  Literal literal(text);
  Fields fields;
  literal.expect('{');
  while (!literal.accept('}')) {
    parse_field(literal, fields);
    if (!literal.accept(',')) {
      literal.expect('}');
      break;
    }
  }
  if (!literal.at_end()) literal.fail("nothing after the dictionary");
  if (!fields.descr || !fields.fortran_order || !fields.shape) throw invalid_file("npy header: descr, fortran_order or shape is missing");
  return {*fields.descr, *fields.fortran_order, *fields.shape};
}

NpyHeader read_npy_header(ByteStream& stream) {
  const size_t length = header_length(stream);
  if (length > kLongestHeader || length > stream.size())
    throw invalid_file("npy header of " + std::to_string(length) + " bytes, at most 65536 and within the file expected");
  std::string text(length, '\0');
  stream.read(text.data(), length);
  return parse_npy_header(text);
}

DType dtype_of_descr(const std::string& descr) {
  const std::string_view code = std::string_view(descr).substr(std::min<size_t>(1, descr.size()));
  const char order = descr.empty() ? ' ' : descr[0];
  for (const Row& row : kRows) {
    if (row.code != code) continue;
    if (order == '<' || order == '|' || order == '=' || element_size(row.dtype) == 1) return row.dtype;
    if (order == '>') throw invalid_file("big-endian array (" + descr + "), expected little-endian");
  }
  if (code.starts_with("O")) throw invalid_file("array of pickled objects, which are never read");
  throw invalid_file("array of numpy type \"" + descr.substr(0, 20) + "\", which has no ONNX counterpart");
}

}  // namespace qtool
