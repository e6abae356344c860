#pragma once
// ZIP archives (APPNOTE 6.3), as .npz files are: stored and deflated entries, zip64.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_source.h"

namespace qtool {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  ///< 0 stored, 8 deflated
  uint32_t crc = 0;
  uint64_t compressed = 0, size = 0;
  uint64_t header_offset = 0;
};

/// The directory of an archive over a source that outlives it. Everything in it is checked against the size of the file: entries
/// within it, none encrypted, none claiming more bytes than deflate can give (1032 times the compressed ones), no name twice.
class ZipReader {
 public:
  explicit ZipReader(const ByteSource& source);
  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;
  /// The uncompressed bytes; never gives more than entry.size; finish() checks length and CRC.
  std::unique_ptr<ByteStream> open(const ZipEntry& entry) const;

 private:
  const ByteSource& source_;
  std::vector<ZipEntry> entries_;
};

}  // namespace qtool
