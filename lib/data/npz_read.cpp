#include <algorithm>
#include <cctype>
#include <cstring>

#include "data/npz.h"

namespace qtool {
namespace {

constexpr std::string_view kTypeSuffix = "__dtype";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Sign-extends the low `bits` of every byte; the bits above must be zero or copies of the sign.
void unpack_small(Tensor& tensor) {
  const int bits = bit_width(tensor.dtype());
  auto* bytes = reinterpret_cast<uint8_t*>(tensor.mutable_bytes());
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const int pattern = bytes[i] & ((1 << bits) - 1);
    const bool negative = is_signed(tensor.dtype()) && pattern >> (bits - 1);
    const auto extended = static_cast<uint8_t>(negative ? pattern - (1 << bits) : pattern);
    if (bytes[i] != pattern && bytes[i] != extended)
      throw invalid_file("the byte " + std::to_string(bytes[i]) + " is no " + std::string(name_of(tensor.dtype())));
    bytes[i] = extended;
  }
}

Tensor reinterpret(const Tensor& stored, DType dtype) {
  Tensor out(dtype, stored.shape());
  if (out.byte_size() != 0) std::memcpy(out.mutable_bytes(), stored.bytes(), out.byte_size());
  if (bit_width(dtype) < 8) unpack_small(out);
  return out;
}

}  // namespace

std::vector<std::string> NpzReader::names() const {
  std::vector<std::string> names;
  for (const ZipEntry& entry : zip_.entries()) {
    if (!entry.name.ends_with(".npy")) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - 4);
    if (!name.ends_with(kTypeSuffix)) names.push_back(name);
  }
  return names;
}

DType NpzReader::declared_type(const std::string& name) const {
  const std::string key = name + std::string(kTypeSuffix);
  const ZipEntry* entry = zip_.find(key + ".npy");
  if (!entry) return DType::undefined;
  return with_frame("array \"" + key + "\"", [&] {
    const std::string word = read_npy_text(*zip_.open(*entry));
    const auto dtype = dtype_named(lower(word));
    if (!dtype || element_size(*dtype) == 0) throw invalid_file("is no ONNX type");
    return *dtype;
  });
}

Tensor NpzReader::load(const std::string& name, const ArrayCheck& check) const {
  const ZipEntry* entry = zip_.find(name + ".npy");
  if (!entry) throw invalid_file("no array \"" + name + "\"");
  const DType declared = declared_type(name);
  const auto check_declared = [&](DType stored, const Shape& shape) {
    if (declared != DType::undefined && stored != stored_type(declared))
      throw invalid_file("array \"" + name + "\" is declared " + std::string(name_of(declared)) + ", expected stored type " +
                         std::string(name_of(stored_type(declared))) + ", found " + std::string(name_of(stored)));
    if (check) check(declared == DType::undefined ? stored : declared, shape);
  };
  const Tensor stored = read_npy(*zip_.open(*entry), check_declared);
  return declared == DType::undefined || declared == stored.dtype() ? stored : reinterpret(stored, declared);
}

}  // namespace qtool
