#include "data/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace qtool {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50;
constexpr uint32_t kZip64End = 0x06064b50, kZip64Locator = 0x07064b50;
constexpr size_t kEndBytes = 22, kLocatorBytes = 20, kZip64EndBytes = 56, kLocalBytes = 30;
constexpr uint32_t kIn64 = 0xffffffff;  ///< "see the zip64 field"
constexpr uint64_t kDirectoryLimit = uint64_t{1} << 26;
constexpr uint64_t kDeflateRatio = 1032;

struct Directory {
  uint64_t offset = 0, bytes = 0;
};

std::string label(std::string_view name) {
  std::string text = "zip entry \"";
  for (const char c : name.substr(0, 60)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + '"';
}

std::string read_bytes(const ByteSource& source, uint64_t offset, size_t bytes) {
  std::string text(bytes, '\0');
  source.read_at(offset, text.data(), bytes);
  return text;
}

Directory zip64_directory(const ByteSource& source, uint64_t end_offset) {
  if (end_offset < kLocatorBytes) throw invalid_file("zip64 archive without its locator");
  const std::string locator = read_bytes(source, end_offset - kLocatorBytes, kLocatorBytes);
  LittleEndian in(locator);
  if (in.u32() != kZip64Locator) throw invalid_file("zip64 archive without its locator");
  in.skip(4);
  const std::string end = read_bytes(source, in.u64(), kZip64EndBytes);
  LittleEndian fields(end);
  if (fields.u32() != kZip64End) throw invalid_file("zip64 archive without its directory end");
  fields.skip(36);
  const uint64_t bytes = fields.u64();
  return {fields.u64(), bytes};
}

/// The end record lies in the last 22 + 65535 bytes: its comment may follow it.
Directory find_directory(const ByteSource& source) {
  const uint64_t tail_bytes = std::min<uint64_t>(source.size(), kEndBytes + 65535);
  const uint64_t tail_offset = source.size() - tail_bytes;
  const std::string tail = read_bytes(source, tail_offset, tail_bytes);
  const size_t at = tail.rfind(std::string_view("PK\5\6", 4));
  if (at == tail.npos) throw invalid_file("no zip archive: the directory at its end is missing");
  LittleEndian in(std::string_view(tail).substr(at));
  in.skip(12);
  const uint32_t bytes = in.u32(), offset = in.u32();
  in.skip(in.u16());  // the comment
  return bytes == kIn64 || offset == kIn64 ? zip64_directory(source, tail_offset + at) : Directory{offset, bytes};
}

/// The 64-bit values stand in the extra field of type 1, in this order, for each field that says so.
void read_zip64_field(std::string_view extra, ZipEntry& entry) {
  LittleEndian in(extra);
  while (in.left() >= 4) {
    const uint16_t kind = in.u16(), bytes = in.u16();
    LittleEndian field(in.take(bytes));
    if (kind != 1) continue;
    for (uint64_t* value : {&entry.size, &entry.compressed, &entry.header_offset})
      if (*value == kIn64) *value = field.u64();
    return;
  }
}

ZipEntry read_entry(LittleEndian& in) {
  ZipEntry entry;
  if (in.u32() != kDirectoryEntry) throw invalid_file("broken directory of a zip archive");
  in.skip(4);
  if (in.u16() & 1) throw invalid_file("encrypted zip archive");
  entry.method = in.u16();
  in.skip(4);
  entry.crc = in.u32();
  entry.compressed = in.u32();
  entry.size = in.u32();
  const uint16_t name = in.u16(), extra = in.u16(), comment = in.u16();
  in.skip(8);
  entry.header_offset = in.u32();
  entry.name = in.take(name);
  read_zip64_field(in.take(extra), entry);
  in.skip(comment);
  return entry;
}

void check(const ZipEntry& entry, uint64_t file_size) {
  const std::string where = label(entry.name) + ": ";
  if (entry.method != 0 && entry.method != Z_DEFLATED)
    throw invalid_file(where + "compression method " + std::to_string(entry.method) + ", expected stored or deflated");
  if (entry.compressed > file_size || entry.header_offset > file_size) throw invalid_file(where + "lies outside the file");
  const uint64_t most = entry.method == 0 ? entry.compressed : entry.compressed * kDeflateRatio;
  if (entry.size > most || (entry.method == 0 && entry.size != entry.compressed))
    throw invalid_file(where + "claims " + std::to_string(entry.size) + " bytes of " + std::to_string(entry.compressed) + " stored ones");
}

class Checked : public ByteStream {
 public:
  explicit Checked(const ZipEntry& entry) : entry_(entry) {}
  uint64_t size() const override { return entry_.size; }
  void finish() override {
    if (done_ != entry_.size || !at_end()) throw invalid_file(label(entry_.name) + ": more bytes than declared");
    if (crc_ != entry_.crc) throw invalid_file(label(entry_.name) + ": wrong checksum");
  }

 protected:
  virtual bool at_end() = 0;
  void count(const void* bytes, size_t size) {
    if (size != 0) crc_ = static_cast<uint32_t>(crc32_z(crc_, static_cast<const Bytef*>(bytes), size));
    done_ += size;
  }
  const ZipEntry entry_;
  uint64_t done_ = 0;

 private:
  uint32_t crc_ = 0;
};

class Stored final : public Checked {
 public:
  Stored(const ByteSource& source, uint64_t offset, const ZipEntry& entry)
      : Checked(entry), range_(open_range(source, offset, entry.compressed)) {}
  void read(void* to, size_t bytes) override {
    range_->read(to, bytes);
    count(to, bytes);
  }

 private:
  bool at_end() override { return true; }
  std::unique_ptr<ByteStream> range_;
};

class Deflated final : public Checked {
 public:
  Deflated(const ByteSource& source, uint64_t offset, const ZipEntry& entry)
      : Checked(entry), range_(open_range(source, offset, entry.compressed)), left_(entry.compressed) {
    if (inflateInit2(&state_, -MAX_WBITS) != Z_OK) throw bug("inflateInit2 failed");
  }
  ~Deflated() override { inflateEnd(&state_); }

  void read(void* to, size_t bytes) override {
    if (bytes > entry_.size - done_) throw invalid_file(label(entry_.name) + ": truncated");
    for (size_t got = 0; got < bytes;) {
      const size_t piece = std::min<size_t>(bytes - got, size_t{1} << 30);
      if (inflate_some(static_cast<char*>(to) + got, piece) != piece)
        throw invalid_file(label(entry_.name) + ": broken or truncated deflate stream");
      got += piece;
    }
    count(to, bytes);
  }

 private:
  bool at_end() override {
    char more;
    return inflate_some(&more, 1) == 0 && ended_;
  }

  /// Bytes given, fewer than asked for at the end of the stream or at damage.
  size_t inflate_some(char* to, size_t bytes) {
    state_.next_out = reinterpret_cast<Bytef*>(to);
    state_.avail_out = static_cast<uInt>(bytes);
    while (state_.avail_out != 0 && !ended_) {
      refill();
      const int result = inflate(&state_, Z_NO_FLUSH);
      ended_ = result == Z_STREAM_END;
      if (result != Z_OK && !ended_) break;
    }
    return bytes - state_.avail_out;
  }

  void refill() {
    if (state_.avail_in != 0 || left_ == 0) return;
    const size_t piece = std::min<uint64_t>(left_, input_.size());
    range_->read(input_.data(), piece);
    left_ -= piece;
    state_.next_in = input_.data();
    state_.avail_in = static_cast<uInt>(piece);
  }

  std::unique_ptr<ByteStream> range_;
  uint64_t left_;
  z_stream state_{};
  bool ended_ = false;
  std::array<Bytef, 1 << 15> input_;
};

}  // namespace

ZipReader::ZipReader(const ByteSource& source) : source_(source) {
  const Directory directory = find_directory(source);
  if (directory.bytes > std::min(kDirectoryLimit, source.size()))
    throw invalid_file("zip archive with a directory of " + std::to_string(directory.bytes) + " bytes");
  const std::string bytes = read_bytes(source, directory.offset, directory.bytes);
  for (LittleEndian in(bytes); in.left() != 0;) {
    entries_.push_back(read_entry(in));
    check(entries_.back(), source.size());
  }
  std::vector<std::string_view> names;
  for (const ZipEntry& entry : entries_) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) throw invalid_file("zip archive with two of " + label(*twice));
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const ZipEntry& entry) { return entry.name == name; });
  return at == entries_.end() ? nullptr : &*at;
}

std::unique_ptr<ByteStream> ZipReader::open(const ZipEntry& entry) const {
  const std::string header = read_bytes(source_, entry.header_offset, kLocalBytes);
  LittleEndian in(header);
  if (in.u32() != kLocalHeader) throw invalid_file(label(entry.name) + ": broken local header");
  in.skip(22);
  const uint64_t name = in.u16(), extra = in.u16();
  const uint64_t offset = entry.header_offset + kLocalBytes + name + extra;
  if (entry.method == 0) return std::make_unique<Stored>(source_, offset, entry);
  return std::make_unique<Deflated>(source_, offset, entry);
}

}  // namespace qtool
