#pragma once
// .npz: a zip archive of .npy files, one per array. Types that numpy lacks are stored as npy.h's stored_type, with the ONNX type in
// a second array NAME__dtype: a string such as "BFLOAT16" or "INT4".

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/npy.h"
#include "data/zip_reader.h"

namespace qtool {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

class NpzReader {
 public:
  explicit NpzReader(std::unique_ptr<ByteSource> source) : source_(std::move(source)), zip_(*source_) {}
  /// Names of the arrays in the order of the archive, without the NAME__dtype ones.
  std::vector<std::string> names() const;
  bool has(const std::string& name) const { return zip_.find(name + ".npy") != nullptr; }
  /// One array, as the type NAME__dtype says if there is one. `check` sees that type and runs before memory is allocated.
  Tensor load(const std::string& name, const ArrayCheck& check = {}) const;

 private:
  DType declared_type(const std::string& name) const;  ///< undefined without NAME__dtype
  std::unique_ptr<ByteSource> source_;
  ZipReader zip_;
};

/// Writes the arrays in the order given, stored, without timestamps: equal tensors give equal bytes. Error(unsupported) for string
/// tensors and archives of 4 GB and more. The file is there whole or not at all, but not flushed to the disk: there
/// may be thousands, a sample each.
void write_npz(const std::string& path, std::span<const NamedTensor> arrays);

}  // namespace qtool
