#include "data/load_sample.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "data/npz.h"
#include "onnxio/tensor_file.h"

namespace qtool {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestPicture = uint64_t{1} << 29;  // bytes of the file; more than kMostPixels uncompressed

using Inputs = std::vector<InputSpec>;

/// Refuses an array by its header: type, shape and size.
ArrayCheck check_of(const InputSpec& input, const SampleOptions& options) {
  return [&](DType dtype, const Shape& found) {
    const Shape shape = fitting_shape(input, dtype, found);
    const auto count = static_cast<uint64_t>(element_count(shape));
    if (count > options.largest_array / element_size(dtype))
      throw invalid_file("input \"" + input.name + "\": array of " + to_string(shape) + " is larger than the limit of " +
                         std::to_string(options.largest_array) + " bytes");
  };
}

/// The input that a sample of a single array is for: the only one, or the only one that is not optional.
size_t single_input(const Inputs& inputs) {
  if (inputs.size() == 1) return 0;
  const auto needed = [](const InputSpec& input) { return !input.optional; };
  if (std::count_if(inputs.begin(), inputs.end(), needed) != 1)
    throw invalid_file("expected an array for each of the inputs " + describe_names(inputs) +
                       " (.npz or a folder of .pb), found a single one");
  return static_cast<size_t>(std::find_if(inputs.begin(), inputs.end(), needed) - inputs.begin());
}

Tensor read_raw(const ByteSource& source, const InputSpec& input, const SampleOptions& options) {
  const Shape shape = shape_of_raw(input, source.size());
  check_of(input, options)(input.dtype, shape);
  Tensor tensor(input.dtype, shape);
  source.read_at(0, tensor.mutable_bytes(), tensor.byte_size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(tensor.bytes());
  if (input.dtype == DType::boolean && std::any_of(bytes, bytes + tensor.byte_size(), [](uint8_t byte) { return byte > 1; }))
    throw invalid_file("input \"" + input.name + "\": expected bytes 0 and 1 for bool");
  return tensor;
}

Tensor read_array(const SampleFile& file, const InputSpec& input, const Preprocess* steps, const SampleOptions& options) {
  if (file.kind == SampleKind::pb) return onnxio::load_tensor_file(file.path);
  const auto source = open_file(file.path);
  if (file.kind == SampleKind::npy) return read_npy(*open_range(*source, 0, source->size()), check_of(input, options));
  if (file.kind == SampleKind::raw) return read_raw(*source, input, options);
  if (!steps) throw bug("a picture without preprocess");
  Tensor picture = preprocess(*steps, decode_image(read_whole(*source, kLargestPicture)), input.dtype);
  if (input.has_rank) return picture;
  Shape batched = picture.shape();
  batched.insert(batched.begin(), 1);
  return picture.reshaped(batched);
}

std::vector<Tensor> load_single(const SampleFile& file, const Inputs& inputs, const Preprocess* steps, const SampleOptions& options) {
  std::vector<Tensor> arrays(inputs.size());
  const size_t at = single_input(inputs);
  arrays[at] = fit(inputs[at], read_array(file, inputs[at], steps, options), options.allow_nan);
  return arrays;
}

std::string names_of(const NpzReader& npz) {
  std::string text;
  for (const std::string& name : npz.names()) text += (text.empty() ? "" : ", ") + name.substr(0, 60);
  return text.empty() ? "none" : text.substr(0, 400);
}

std::vector<Tensor> load_npz(const std::string& path, const Inputs& inputs, const SampleOptions& options) {
  const NpzReader npz(open_file(path));
  std::vector<Tensor> arrays;
  for (const InputSpec& input : inputs) {
    if (!npz.has(input.name) && !input.optional)
      throw invalid_file("input \"" + input.name + "\": expected an array of this name, found " + names_of(npz));
    arrays.push_back(npz.has(input.name) ? fit(input, npz.load(input.name, check_of(input, options)), options.allow_nan) : Tensor());
  }
  return arrays;
}

Tensor load_part(const std::string& path, const InputSpec& input, const SampleOptions& options) {
  if (!fs::exists(path)) {
    if (input.optional) return {};
    throw invalid_file(path + ": input \"" + input.name + "\": expected " + describe(input) + ", found no such file");
  }
  const Tensor array = onnxio::load_tensor_file(path);
  return with_frame(path, [&] { return fit(input, array, options.allow_nan); });
}

std::vector<Tensor> load_folder(const std::string& path, const Inputs& inputs, const SampleOptions& options) {
  const auto part = [&](size_t k) { return path + "/input_" + std::to_string(k) + ".pb"; };
  if (path.empty()) return std::vector<Tensor>(inputs.size());
  if (fs::exists(part(inputs.size())))
    throw invalid_file(part(inputs.size()) + ": the model has " + std::to_string(inputs.size()) + " inputs, found one more");
  std::vector<Tensor> arrays;
  for (size_t k = 0; k < inputs.size(); ++k) arrays.push_back(load_part(part(k), inputs[k], options));
  return arrays;
}

}  // namespace

std::string describe_names(const std::vector<InputSpec>& inputs) {
  std::string text;
  for (const InputSpec& input : inputs) text += (text.empty() ? "" : ", ") + input.name;
  return text;
}

std::vector<Tensor> load_inputs(const SampleFile& file, const std::vector<InputSpec>& inputs, const Preprocess* steps,
                                const SampleOptions& options) {
  if (file.kind == SampleKind::folder) return load_folder(file.path, inputs, options);
  return with_frame(file.path, [&] {
    return file.kind == SampleKind::npz ? load_npz(file.path, inputs, options) : load_single(file, inputs, steps, options);
  });
}

}  // namespace qtool
