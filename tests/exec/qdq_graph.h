#pragma once
// Builds quantized and float graphs in a few lines for engine tests.

#include <string>
#include <vector>

#include "graph/model.h"
#include "tensor/quant_math.h"

namespace qtool::testing {

/// A scale and zero point for `q`.
struct Params {
  float scale;
  int zero_point = 0;
  DType dtype = DType::uint8;
};

class QdqGraph {
 public:
  explicit QdqGraph(int opset = 17);

  Value& input(const std::string& name, const Shape& shape);
  /// Q and DQ behind `x`: the DQ's output.
  Value& q(Value& x, const Params& params);
  /// A float constant of random values in [-span, span).
  Value& constant(const Shape& shape, float span = 1);
  Value& scalar(float value);
  Value& integers(const std::vector<int64_t>& values);
  /// s8 weights of random codes behind a DQ with scales along `axis` (per tensor: -1), around `scale`.
  Value& weight(const Shape& shape, int axis, float scale, DType dtype = DType::int8, int zero_point = 0);
  /// Random codes behind a DQ with a scale around `scale` and a random zero point for each block of `block` entries along `axis`.
  Value& block_weight(const Shape& shape, int axis, int64_t block, float scale, DType dtype);
  /// i32 bias behind a DQ with scale input_scale * weight scale of every channel.
  Value& bias(int64_t channels, float input_scale, const Value& weight);
  /// One operator.
  Value& op(const std::string& type, const std::vector<Value*>& inputs,
            const std::vector<std::pair<std::string, AttributeValue>>& attributes = {});

  /// The shape of a value as far as the graph stands.
  Shape shape_of(const Value& value);

  /// Ends with y as output; types inferred.
  Model finish(Value& y);

 private:
  std::string fresh(const std::string& base) { return model_.graph->fresh_name(base); }
  Model model_;
  unsigned seed_ = 1;
};

}  // namespace qtool::testing
