#pragma once
#include <string>
#include <vector>

#include "data/sample_set.h"

namespace qtool {

/// The arrays of one sample in the order of `inputs`, checked against them before memory is allocated and after they are read.
/// `preprocess` may be null where `file` is no picture. Throws Error(invalid_file) with the path in front.
std::vector<Tensor> load_inputs(const SampleFile& file, const std::vector<InputSpec>& inputs, const Preprocess* steps,
                                const SampleOptions& options);

/// "a, b, c"
std::string describe_names(const std::vector<InputSpec>& inputs);

}  // namespace qtool
