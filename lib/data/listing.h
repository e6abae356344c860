#pragma once
// Finds samples without opening them.

#include <string>
#include <vector>

namespace qtool {

enum class SampleKind { none, npy, npz, pb, image, raw, folder };

struct SampleFile {
  std::string id;  ///< path below its DATA argument; the last name of a DATA argument that is itself a sample
  std::string path;
  SampleKind kind = SampleKind::none;
};

/// By extension, upper or lower case: .npy .npz .pb .png .jpg .jpeg .bmp .bin; none for others.
SampleKind kind_of_name(const std::string& name);

/// The samples of files and directories, in natural order of their ids. Directories are searched to any depth; in them hidden names,
/// other extensions, input_K.pb and output_K.pb are passed over. A directory that holds input_0.pb (any input_K.pb or output_K.pb where
/// `inputs_may_be_absent`) is one sample and is not searched. Links are followed, except into a directory that contains them.
/// Error(invalid_file): a path that does not exist or cannot be read, a file argument of another kind, two samples of one id.
std::vector<SampleFile> list_samples(const std::vector<std::string>& data, bool inputs_may_be_absent);

}  // namespace qtool
