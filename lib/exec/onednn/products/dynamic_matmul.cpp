// Products of codes whose scale and zero point are computed at run time: MatMulIntegerToFloat with a constant matrix, u8 x s8. The rows of
// the input are flattened into one matrix.

#include "exec/onednn/memory.h"
#include "exec/onednn/products/products.h"
#include "exec/onednn/rows/rows.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using Forward = dnnl::matmul;

/// Inputs of MatMulIntegerToFloat.
enum Input : size_t { kCodes, kWeight, kScale, kWeightScale, kZeroPoint, kWeightZeroPoint, kBias };

const Operand* operand(const Cluster& cluster, size_t input) {
  const bool there = input < cluster.inputs.size() && cluster.inputs[input].value;
  return there ? &cluster.inputs[input] : nullptr;
}

/// codes [.., M, K] u8 times a constant [K, N] s8.
class DynamicMatMul {
 public:
  DynamicMatMul(const Cluster& cluster, Tensor weights, std::vector<float> scales, std::vector<float> bias, Epilogue epilogue)
      : cluster_(cluster),
        weights_(std::move(weights)),
        scales_(std::move(scales)),
        bias_(std::move(bias)),
        epilogue_(std::move(epilogue)) {}

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const int codes = input_index(cluster_, cluster_.inputs[kCodes]);
    const Shape& in = inputs[static_cast<size_t>(codes)];
    const int64_t k = weights_.shape()[0], n = weights_.shape()[1];
    if (in.empty() || in.back() != k)
      throw invalid_file("the inner dimensions of a matrix product differ: " + to_string(in) + " x " + to_string(weights_.shape()));
    const int64_t m = product(in, 0, in.size() - 1);
    compiled.out_shape = in;
    compiled.out_shape.back() = n;
    compiled.out_dtype = epilogue_.out_dtype;
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attr.set_scales_mask(DNNL_ARG_SRC, 0);
    attr.set_scales_mask(DNNL_ARG_WEIGHTS, 2);
    attr.set_zero_points_mask(DNNL_ARG_SRC, 0);
    attr.set_post_ops(make_post_ops(epilogue_, cluster_, flattened(inputs, m, codes), {m, n}, Layout::plain, compiled));
    const memory::desc x = desc_of(DType::uint8, {m, k}, Layout::plain), y = desc_of(compiled.out_dtype, {m, n}, Layout::plain);
    const memory::desc w({k, n}, memory::data_type::s8, memory::format_tag::any), b = desc_of(DType::float32, {1, n}, Layout::plain);
    const memory::desc number = desc_of(DType::float32, {}, Layout::plain), zero = desc_of(DType::int32, {}, Layout::plain);
    compiled.slots.push_back({DNNL_ARG_SRC, x, codes});
    compiled.slots.push_back({DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, number, input_index(cluster_, cluster_.inputs[kScale])});
    compiled.slots.push_back(
        {DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, zero, input_index(cluster_, cluster_.inputs[kZeroPoint]), false, true});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    compiled.constants.emplace_back(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, constant_floats(scales_));
    compiled.constants.emplace_back(DNNL_ARG_BIAS, constant_floats(bias_));
    return Forward::primitive_desc(engine(), x, w, b, y, attr);
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    const auto desc = describe(inputs, compiled);
    const auto stored = desc_of(DType::int8, weights_.shape(), Layout::plain);
    compiled.constants.emplace_back(DNNL_ARG_WEIGHTS, packed_.get(weights_, stored, desc.weights_desc()));
    compiled.finish<Forward>(desc);
    return compiled;
  }

 private:
  /// The shapes of post-op operands as matrices: [M, N], [1, N] or [1, 1].
  static std::vector<Shape> flattened(std::vector<Shape> shapes, int64_t m, int codes) {
    for (size_t i = 0; i < shapes.size(); ++i) {
      const int64_t columns = shapes[i].empty() ? 1 : shapes[i].back();
      const int64_t rows = shapes[i].empty() ? 1 : product(shapes[i], 0, shapes[i].size() - 1);
      if (static_cast<int>(i) != codes && rows != 1 && rows != m)
        throw CannotRun("an operand of a fused matrix product that repeats by blocks");
      shapes[i] = {rows, columns};
    }
    return shapes;
  }

  const Cluster cluster_;
  const Tensor weights_;
  const std::vector<float> scales_, bias_;
  const Epilogue epilogue_;
  mutable PackedWeights packed_;
};

/// Scale and zero points of the weight, as DequantizeLinear's would be.
std::optional<Tensor> weights_of(const Cluster& cluster) {
  const Operand &weight = cluster.inputs[kWeight], *zero = operand(cluster, kWeightZeroPoint);
  const int64_t columns = weight.value->constant()->shape()[1];
  QuantParams params{weight.value->constant()->dtype(), 1, std::vector<float>(static_cast<size_t>(columns), 1.0f), {}};
  for (int64_t c = 0; c < columns; ++c) {
    const Tensor* zeros = zero ? zero->value->constant() : nullptr;
    params.zero_points.push_back(zeros ? static_cast<int32_t>(zeros->number_at(zeros->size() == 1 ? 0 : c)) : 0);
  }
  return centred_weights({weight.value, params}, 1);
}

std::vector<float> repeated(std::vector<float> values, int64_t count) {
  if (values.size() == 1) values.resize(static_cast<size_t>(count), values[0]);
  return values;
}

bool is_row(const Tensor& tensor, int64_t columns) { return tensor.size() == 1 || tensor.size() == columns; }

std::optional<std::string> why_not(const Cluster& cluster) {
  for (const size_t needed : {kCodes, kWeight, kScale, kWeightScale, kZeroPoint})
    if (!operand(cluster, needed)) return "an input is missing";
  for (const size_t constant : {kWeight, kWeightScale, kWeightZeroPoint, kBias})
    if (const Operand* given = operand(cluster, constant); given && !given->constant()) return "a weight is computed";
  for (const size_t computed : {kCodes, kScale, kZeroPoint})
    if (cluster.inputs[computed].constant()) return "the activation is a constant";
  const Tensor& weight = *cluster.inputs[kWeight].value->constant();
  if (weight.rank() != 2 || (weight.dtype() != DType::int8 && weight.dtype() != DType::uint8))
    return "the weight is no matrix of 8-bit codes";
  for (const size_t row : {kWeightScale, kWeightZeroPoint, kBias})
    if (const Operand* given = operand(cluster, row); given && !is_row(*given->value->constant(), weight.shape()[1]))
      return "a scale, zero point or bias fits neither the weight nor its columns";
  if (cluster.inputs[kCodes].value->type.dtype != DType::uint8 || !cluster.inputs[kCodes].value->type.dims)
    return "the codes are not uint8";
  return std::nullopt;
}

}  // namespace

LowerResult lower_dynamic_matmul(const Model&, const Cluster& cluster) {
  if (auto reason = why_not(cluster)) return Declined{*reason};
  auto weights = weights_of(cluster);
  if (!weights) return Declined{"weights do not fit s8"};
  const size_t rank = cluster.inputs[kCodes].value->type.dims->size();
  const int64_t columns = weights->shape()[1];
  std::string reason;
  auto epilogue = plan_epilogue(cluster, {rank, rank - 1, columns}, {}, reason);
  if (!epilogue) return Declined{reason};
  if (epilogue->unit != 1 || epilogue->offset != 0) return Declined{"codes behind a product whose scale is computed"};
  const Operand* given = operand(cluster, kBias);
  std::vector<float> bias = repeated(given ? real_values(*given) : std::vector<float>{0}, columns);
  for (size_t c = 0; c < epilogue->bias.size(); ++c) bias[c] += epilogue->bias[c];
  auto problem = std::make_shared<DynamicMatMul>(cluster, std::move(*weights), repeated(real_values(cluster.inputs[kWeightScale]), columns),
                                                 std::move(bias), std::move(*epilogue));
  return lower_primitive(cluster, problem, LayoutRule::plain);
}

}  // namespace qtool::onednn
