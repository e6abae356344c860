#include "data/sample_set.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "data/load_sample.h"

namespace qtool {
namespace {

namespace fs = std::filesystem;

std::string stem(const SampleFile& file) {
  return file.kind == SampleKind::folder ? file.id : fs::path(file.id).replace_extension().string();
}

bool all_differ(const std::vector<SampleFile>& files) {
  std::set<std::string> stems;
  return std::all_of(files.begin(), files.end(), [&](const SampleFile& file) { return stems.insert(stem(file)).second; });
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<SampleFile> find_files(const std::vector<std::string>& data, const std::vector<InputSpec>& inputs) {
  const bool none_needed = std::all_of(inputs.begin(), inputs.end(), [](const InputSpec& input) { return input.optional; });
  if (data.empty() && !none_needed) throw usage_error("the model has inputs (" + describe_names(inputs) + "): DATA is missing");
  std::vector<SampleFile> files = list_samples(data, none_needed);
  if (inputs.empty()) std::erase_if(files, [](const SampleFile& file) { return file.kind != SampleKind::folder; });
  if (files.empty() && (inputs.empty() || data.empty())) files.push_back({"0", "", SampleKind::folder});
  if (files.empty())
    throw invalid_file(listed(data) + ": no samples: expected .npy, .npz, .png, .jpg, .bmp or .bin files, or folders with input_0.pb");
  return files;
}

}  // namespace

SampleSet::SampleSet(const std::vector<std::string>& data, std::vector<InputSpec> inputs, std::optional<Preprocess> preprocess,
                     SampleOptions options) {
  auto state = std::make_shared<State>();
  state->files = find_files(data, inputs);
  state->stems_differ = all_differ(state->files);
  const auto picture =
      std::find_if(state->files.begin(), state->files.end(), [](const auto& file) { return file.kind == SampleKind::image; });
  if (picture != state->files.end() && !preprocess)
    throw usage_error(picture->path + ": pictures need --preprocess FILE, which says how they become tensors");
  state->inputs = std::move(inputs);
  state->preprocess = std::move(preprocess);
  state->options = options;
  state_ = std::move(state);
}

size_t SampleSet::size() const {
  const size_t end = std::min(state_->files.size(), limit_);
  return end <= shard_ ? 0 : (end - shard_ - 1) / shards_ + 1;
}

std::string SampleSet::name(size_t i) const { return state_->stems_differ ? stem(file(i)) : id(i); }

std::optional<std::string> SampleSet::expected_output(size_t i, size_t k) const {
  if (file(i).kind != SampleKind::folder || path(i).empty()) return std::nullopt;
  std::string output = path(i) + "/output_" + std::to_string(k) + ".pb";
  std::error_code ignored;
  return fs::is_regular_file(output, ignored) ? std::optional(std::move(output)) : std::nullopt;
}

Sample SampleSet::load(size_t i) const {
  const std::optional<Preprocess>& steps = state_->preprocess;
  return {id(i), load_inputs(file(i), state_->inputs, steps ? &*steps : nullptr, state_->options)};
}

SampleSet SampleSet::shard(size_t i, size_t n) const {
  if (n == 0 || i > n)
    throw usage_error("shard " + std::to_string(i) + "/" + std::to_string(n) + ": expected I/N with 0 <= I <= N, N >= 1");
  SampleSet part = *this;
  part.shard_ = i % n;
  part.shards_ = n;
  return part;
}

SampleSet SampleSet::limit(size_t n) const {
  SampleSet part = *this;
  part.limit_ = n;
  return part;
}

}  // namespace qtool
