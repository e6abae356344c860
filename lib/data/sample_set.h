#pragma once
// The samples of a command's DATA arguments, found at once and loaded one by one.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/input_spec.h"
#include "data/listing.h"
#include "data/preprocess.h"
#include "tensor/tensor.h"

namespace qtool {

struct Sample {
  std::string id;
  std::vector<Tensor> inputs;  ///< in the order of the model's inputs; undefined for an absent optional one
};

struct SampleOptions {
  bool allow_nan = false;                      ///< operator tests feed NaN on purpose
  uint64_t largest_array = uint64_t{1} << 31;  ///< bytes; what a sample's array may take at most
};

/// Sorted naturally by id. A copy shares the list; load() may be called by many threads at once.
class SampleSet {
 public:
  /// Lists, does not load. Throws Error(usage) when the model has inputs and `data` is empty, or there are pictures and no
  /// `preprocess`; Error(invalid_file) when nothing is found and as list_samples does. A model without inputs has one sample "0",
  /// unless `data` holds folders with output_K.pb.
  SampleSet(const std::vector<std::string>& data, std::vector<InputSpec> inputs, std::optional<Preprocess> preprocess = {},
            SampleOptions options = {});

  size_t size() const;
  /// Place of the i-th sample in the whole set, before limit and shard: the order in which order matters.
  size_t position(size_t i) const { return shard_ + i * shards_; }
  const std::string& id(size_t i) const { return file(i).id; }
  const std::string& path(size_t i) const { return file(i).path; }
  /// The id without its extension, for files made of the sample; the whole id where two samples would get one name.
  std::string name(size_t i) const;
  /// FOLDER/output_K.pb of a folder sample, if it is there.
  std::optional<std::string> expected_output(size_t i, size_t k) const;

  /// Throws Error(invalid_file) naming file, input, expected and found. Whether that skips the sample is the caller's choice.
  Sample load(size_t i) const;

  /// Every n-th sample of the whole, those with position % n == i % n: i = 0 .. n-1, or 1 .. n. Error(usage) unless 0 <= i <= n, n >= 1.
  [[nodiscard]] SampleSet shard(size_t i, size_t n) const;
  /// The first n samples of the whole, whether or not it is sharded.
  [[nodiscard]] SampleSet limit(size_t n) const;

 private:
  struct State {
    std::vector<SampleFile> files;
    std::vector<InputSpec> inputs;
    std::optional<Preprocess> preprocess;
    SampleOptions options;
    bool stems_differ = true;
  };
  const SampleFile& file(size_t i) const { return state_->files.at(position(i)); }

  std::shared_ptr<const State> state_;
  size_t limit_ = static_cast<size_t>(-1), shard_ = 0, shards_ = 1;
};

}  // namespace qtool
