#include <zlib.h>

#include <algorithm>

#include "base/output_file.h"
#include "data/npz.h"

namespace qtool {
namespace {

constexpr uint64_t kLimit = 0xfffffffe;
constexpr uint32_t kDate = 0x00210000;  // 1980-01-01 00:00, the first that the format knows
constexpr uint32_t kVersion = 20;
constexpr size_t kHighestCount = 65534;

/// One .npy file to be: its text in front and its elements, which stay where they are.
struct Piece {
  std::string name;
  std::string prefix;
  Tensor data;
  uint32_t crc = 0;
  uint32_t size = 0;
  uint32_t offset = 0;
};

std::string_view bytes_of(const Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size()};
}

uint32_t crc_of(uint32_t crc, std::string_view bytes) {
  if (bytes.empty()) return crc;  // zlib takes a null pointer as "start anew"
  return static_cast<uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

Piece make_piece(const std::string& name, std::string prefix, Tensor data) {
  const uint64_t size = prefix.size() + bytes_of(data).size();
  if (size > kLimit || name.size() > 60000) throw unsupported("array \"" + name + "\" is too large for .npz");
  Piece piece{name + ".npy", std::move(prefix), std::move(data)};
  piece.crc = crc_of(crc_of(0, piece.prefix), bytes_of(piece.data));
  piece.size = static_cast<uint32_t>(size);
  return piece;
}

std::string onnx_name(DType dtype) {
  std::string name(name_of(dtype));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

void put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 255);
}

/// What local header and directory have in common: from "version needed" to the length of the extra field.
void put_fields(std::string& out, const Piece& piece) {
  const bool ascii = std::all_of(piece.name.begin(), piece.name.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
  put(out, kVersion, 2);
  put(out, ascii ? 0 : 1 << 11, 2);  // bit 11: the name is UTF-8
  put(out, 0, 2);
  put(out, kDate, 4);
  put(out, piece.crc, 4);
  put(out, piece.size, 4);
  put(out, piece.size, 4);
  put(out, piece.name.size(), 2);
  put(out, 0, 2);
}

std::string local_header(const Piece& piece) {
  std::string out;
  put(out, 0x04034b50, 4);
  put_fields(out, piece);
  return out + piece.name;
}

std::string directory_entry(const Piece& piece) {
  std::string out;
  put(out, 0x02014b50, 4);
  put(out, kVersion, 2);
  put_fields(out, piece);
  out.append(10, 0);  // comment length, disk, attributes
  put(out, piece.offset, 4);
  return out + piece.name;
}

std::string directory_end(size_t count, uint64_t bytes, uint64_t offset) {
  std::string out;
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, count, 2);
  put(out, count, 2);
  put(out, bytes, 4);
  put(out, offset, 4);
  put(out, 0, 2);
  return out;
}

std::vector<Piece> pieces_of(std::span<const NamedTensor> arrays) {
  std::vector<Piece> pieces;
  for (const auto& [name, tensor] : arrays) {
    const Tensor stored = as_stored(tensor);
    pieces.push_back(make_piece(name, npy_prefix(stored), stored));
    if (stored.dtype() == tensor.dtype()) continue;
    pieces.push_back(make_piece(name + "__dtype", npy_text_bytes(onnx_name(tensor.dtype())), {}));
  }
  return pieces;
}

/// Sets the offsets; gives that of the directory.
uint64_t lay_out(std::vector<Piece>& pieces) {
  uint64_t offset = 0;
  for (Piece& piece : pieces) {
    piece.offset = static_cast<uint32_t>(offset);
    offset += local_header(piece).size() + piece.size;
    if (offset > kLimit) throw unsupported("arrays of 4 GB and more in one .npz");
  }
  if (pieces.size() > kHighestCount) throw unsupported("more than 65534 arrays in one .npz");
  return offset;
}

}  // namespace

void write_npz(const std::string& path, std::span<const NamedTensor> arrays) {
  std::vector<Piece> pieces = pieces_of(arrays);
  const uint64_t offset = lay_out(pieces);
  OutputFile file(path, Durability::buffered);
  std::string directory;
  for (const Piece& piece : pieces) {
    file.write(local_header(piece) + piece.prefix);
    file.write(bytes_of(piece.data));
    directory += directory_entry(piece);
  }
  file.write(directory + directory_end(pieces.size(), directory.size(), offset));
  file.commit();
}

}  // namespace qtool
