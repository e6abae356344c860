// Products of codes whose scale and zero point are computed at run time: MatMulIntegerToFloat with a constant matrix, u8 x s8. The rows of
// the input are flattened into one matrix.

#include "exec/kernels/products/dynamic_product.h"
#include "exec/onednn/lowerings.h"
#include "exec/onednn/memory.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using Forward = dnnl::matmul;

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

}  // namespace

LowerResult lower_dynamic_matmul(const Model&, const Cluster& cluster) {
  std::string reason;
  auto product = read_dynamic_product(cluster, reason);
  if (!product) return Declined{reason};
  const size_t rank = cluster.inputs[kCodes].value->type.dims->size();
  auto epilogue = plan_epilogue(cluster, {rank, rank - 1, product->weights.shape()[1]}, {}, reason);
  if (!epilogue) return Declined{reason};
  if (epilogue->unit != 1 || epilogue->offset != 0) return Declined{"codes behind a product whose scale is computed"};
  for (size_t c = 0; c < epilogue->bias.size(); ++c) product->bias[c] += epilogue->bias[c];
  auto problem = std::make_shared<DynamicMatMul>(cluster, std::move(product->weights), std::move(product->scales), std::move(product->bias),
                                                 std::move(*epilogue));
  return lower_primitive(cluster, problem, LayoutRule::plain);
}

}  // namespace qtool::onednn
