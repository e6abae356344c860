#include "onnxio/pieces.h"

#include "onnxio/packing.h"

namespace qtool::onnxio {
namespace {

std::string_view view(const Tensor& tensor) { return {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size()}; }

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

}  // namespace

void Pieces::add(std::string bytes) {
  size_ += bytes.size();
  pieces_.push_back({std::move(bytes), Tensor()});
}

void Pieces::add_elements(const Tensor& tensor) {
  if (is_packed(tensor.dtype())) return add(pack(tensor.dtype(), tensor.bytes(), static_cast<size_t>(tensor.size())));
  size_ += tensor.byte_size();
  pieces_.push_back({{}, tensor});
}

void Pieces::add(Pieces&& others) {
  size_ += others.size_;
  for (Piece& piece : others.pieces_) pieces_.push_back(std::move(piece));
}

void Pieces::for_each(const std::function<void(std::string_view)>& visit) const {
  for (const Piece& piece : pieces_) visit(piece.lent.defined() ? view(piece.lent) : std::string_view(piece.made));
}

std::string field_start(int number, size_t length) {
  constexpr unsigned kLengthDelimited = 2;
  std::string out;
  append_varint(out, static_cast<unsigned>(number) << 3 | kLengthDelimited);
  append_varint(out, length);
  return out;
}

}  // namespace qtool::onnxio
