// Col2Im: columns [N, C * block, positions] added up into an image.
#include <algorithm>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

void col2im(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Shape image = input(in, 1).to_ints(), block = input(in, 2).to_ints();
  const size_t rank = image.size();
  require(x.rank() == 3 && rank > 0 && block.size() == rank, "Col2Im needs [N, C * block, positions] and shapes of one length");
  const auto list = [&](const char* name, size_t count, int64_t fallback) {
    auto values = node.attr_or(name, std::vector<int64_t>{});
    if (values.empty()) values.assign(count, fallback);
    require(values.size() == count, "an attribute of Col2Im has the wrong length");
    return values;
  };
  const auto strides = list("strides", rank, 1), dilations = list("dilations", rank, 1), pads = list("pads", 2 * rank, 0);
  Shape steps;
  for (size_t d = 0; d < rank; ++d) {
    require(strides[d] > 0, "a stride of Col2Im is not positive");
    steps.push_back((image[d] + pads[d] + pads[rank + d] - dilations[d] * (block[d] - 1) - 1) / strides[d] + 1);
    require(steps[d] >= 0, "the block does not fit the image");
  }
  const int64_t taps = element_count(block), positions = element_count(steps), plane = element_count(image);
  require(taps > 0 && x.shape()[1] % taps == 0 && x.shape()[2] == positions, "the columns do not fit the image");
  std::vector<int64_t> landing;
  const Shape image_strides = strides_of(image);
  for_each_index(block, [&](const Shape& tap) {
    for_each_index(steps, [&](const Shape& step) {
      int64_t offset = 0;
      for (size_t d = 0; d < rank; ++d) {
        const int64_t at = step[d] * strides[d] - pads[d] + tap[d] * dilations[d];
        offset = offset < 0 || at < 0 || at >= image[d] ? -1 : offset + at * image_strides[d];
      }
      landing.push_back(offset);
    });
  });
  const int64_t channels = x.shape()[1] / taps;
  const Reals values = to_doubles(x);
  Reals y(static_cast<size_t>(x.shape()[0] * channels * plane), 0.0);
  for (int64_t row = 0; row < x.shape()[0] * channels; ++row)
    for (size_t i = 0; i < landing.size(); ++i)
      if (landing[i] >= 0) y[static_cast<size_t>(row * plane + landing[i])] += values[static_cast<size_t>(row) * landing.size() + i];
  Shape shape{x.shape()[0], channels};
  shape.insert(shape.end(), image.begin(), image.end());
  out[0] = from_doubles(x.dtype(), shape, y);
}

}  // namespace

extern const OpDef kCol2Im18{.name = "Col2Im", .since = 18, .infer = infer_dtype, .eval = col2im};

}  // namespace qtool
