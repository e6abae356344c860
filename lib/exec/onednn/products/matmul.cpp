// MatMul and Gemm: constant weights (rows of the input flattened into one matrix), or two activations, batched. int8: u8|s8 x s8; a
// second activation of u8 is handed over as s8 by flipping its top bit, its zero point 128 lower.

#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/passes.h"
#include "exec/onednn/lowerings.h"
#include "exec/onednn/memory.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using Forward = dnnl::matmul;

memory::dims strides_transposed(const Shape& shape) {
  Shape swapped = shape;
  std::swap(swapped[shape.size() - 1], swapped[shape.size() - 2]);
  memory::dims strides = strides_of(swapped);
  std::swap(strides[shape.size() - 1], strides[shape.size() - 2]);
  return strides;
}

/// A row-major matrix of logical `shape`, stored transposed or not.
memory::desc matrix(DType dtype, const Shape& shape, bool transposed) {
  return memory::desc(shape, data_type(dtype), transposed ? strides_transposed(shape) : memory::dims(strides_of(shape)));
}

Shape swapped(Shape shape, bool swap) {
  if (swap) std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return shape;
}

/// x [.., M, K] times a constant [K, N].
class ConstantMatMul {
 public:
  ConstantMatMul(const Cluster& cluster, Products products, bool transpose_x, bool transpose_w)
      : cluster_(cluster), products_(std::move(products)), transpose_x_(transpose_x), transpose_w_(transpose_w) {
    weight_shape_ = swapped(products_.weights.shape(), transpose_w);
  }

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const int index = input_index(cluster_, cluster_.inputs[0]);
    const Shape in = swapped(inputs[static_cast<size_t>(index)], transpose_x_);
    const int64_t k = weight_shape_[0], n = weight_shape_[1], m = product(in, 0, in.size() - 1);
    if (in.back() != k)
      throw invalid_file("the inner dimensions of a matrix product differ: " + to_string(in) + " x " + to_string(weight_shape_));
    compiled.out_shape = in;
    compiled.out_shape.back() = n;
    compiled.out_dtype = products_.epilogue.out_dtype;
    const bool fold = products_.may_fold_zero_point();
    dnnl::primitive_attr attr;
    products_.apply(attr, 2, fold, compiled);
    attr.set_post_ops(
        make_post_ops(products_.epilogue, cluster_, flattened(inputs, compiled.out_shape, index), {m, n}, Layout::plain, compiled));
    const auto x = matrix(products_.in_dtype, {m, k}, transpose_x_), y = matrix(compiled.out_dtype, {m, n}, false);
    const memory::desc w({k, n}, data_type(products_.weights.dtype()), memory::format_tag::any);
    const memory::desc b({1, n}, memory::data_type::f32, memory::dims{n, 1});
    compiled.constants.emplace_back(DNNL_ARG_BIAS, constant_floats(products_.shifts(fold, n)));
    compiled.slots.push_back({DNNL_ARG_SRC, x, index});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    return Forward::primitive_desc(engine(), x, w, b, y, attr);
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    const auto desc = describe(inputs, compiled);
    const auto stored = matrix(products_.weights.dtype(), weight_shape_, transpose_w_);
    compiled.constants.emplace_back(DNNL_ARG_WEIGHTS, packed_.get(products_.weights, stored, desc.weights_desc()));
    compiled.finish<Forward>(desc);
    return compiled;
  }

 private:
  /// The shapes of post-op operands as matrices: [M, N], [1, N] or [1, 1].
  static std::vector<Shape> flattened(std::vector<Shape> shapes, const Shape& out, int input) {
    for (size_t i = 0; i < shapes.size(); ++i) {
      const int64_t columns = shapes[i].empty() ? 1 : shapes[i].back(),
                    rows = shapes[i].empty() ? 1 : product(shapes[i], 0, shapes[i].size() - 1);
      if (static_cast<int>(i) != input && rows != 1 && rows != product(out, 0, out.size() - 1))
        throw CannotRun("an operand of a fused matrix product that repeats by blocks");
      shapes[i] = {rows, columns};
    }
    return shapes;
  }

  const Cluster cluster_;
  const Products products_;
  const bool transpose_x_, transpose_w_;
  Shape weight_shape_;
  mutable PackedWeights packed_;
};

/// Two activations [.., M, K] x [.., K, N], batches broadcast.
class BatchedMatMul {
 public:
  BatchedMatMul(const Cluster& cluster, Products products) : cluster_(cluster), products_(std::move(products)) {}

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const int first = input_index(cluster_, cluster_.inputs[0]), second = input_index(cluster_, cluster_.inputs[1]);
    Shape a = inputs[static_cast<size_t>(first)], b = inputs[static_cast<size_t>(second)];
    const size_t rank = std::max(a.size(), b.size());
    a = padded_shape(a, rank), b = padded_shape(b, rank);
    compiled.out_shape = product_shape(a, b);
    compiled.out_dtype = products_.epilogue.out_dtype;
    dnnl::primitive_attr attr;
    products_.apply(attr, 0, false, compiled);
    set_second_zero_point(attr, compiled);
    attr.set_post_ops(make_post_ops(products_.epilogue, cluster_, inputs, compiled.out_shape, Layout::plain, compiled));
    const auto x = matrix(products_.in_dtype, a, false), w = matrix(products_.int8() ? DType::int8 : DType::float32, b, false);
    const auto y = matrix(compiled.out_dtype, compiled.out_shape, false);
    compiled.slots.push_back({DNNL_ARG_SRC, x, first});
    compiled.slots.push_back({DNNL_ARG_WEIGHTS, w, second, flips()});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    if (products_.epilogue.offset == 0) return Forward::primitive_desc(engine(), x, w, y, attr);
    const int64_t n = b.back();
    Shape bias_shape(rank, 1);
    bias_shape.back() = n;
    compiled.constants.emplace_back(DNNL_ARG_BIAS, constant_floats(products_.shifts(false, n)));
    return Forward::primitive_desc(engine(), x, w, desc_of(DType::float32, bias_shape, Layout::plain), y, attr);
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    compiled.finish<Forward>(describe(inputs, compiled));
    return compiled;
  }

 private:
  bool flips() const { return products_.int8() && cluster_.inputs[1].params->dtype == DType::uint8; }

  static Shape product_shape(const Shape& a, const Shape& b) {
    if (a.back() != b[b.size() - 2])
      throw invalid_file("the inner dimensions of a matrix product differ: " + to_string(a) + " x " + to_string(b));
    Shape out = broadcast({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
    out.push_back(a[a.size() - 2]);
    out.push_back(b.back());
    return out;
  }

  void set_second_zero_point(dnnl::primitive_attr& attr, Compiled& compiled) const {
    if (!products_.int8()) return;
    const int32_t zero_point = cluster_.inputs[1].params->zero_point() - (flips() ? 128 : 0);
    if (zero_point == 0) return;
    attr.set_zero_points_mask(DNNL_ARG_WEIGHTS, 0);
    compiled.constants.emplace_back(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_WEIGHTS, constant_ints({zero_point}));
  }

  const Cluster cluster_;
  const Products products_;
};

/// Sums down each column of the weights [K, N], or [N, K] when transposed.
std::vector<int64_t> column_sums(const Tensor& weights, bool transposed) {
  const auto codes = weights.data<int8_t>();
  const auto columns = static_cast<size_t>(weights.shape()[1]);
  std::vector<int64_t> sums(static_cast<size_t>(weights.shape()[transposed ? 0 : 1]));
  for (size_t i = 0; i < codes.size(); ++i) sums[transposed ? i / columns : i % columns] += codes[i];
  return sums;
}

size_t rank_of(const Operand& operand) {
  if (operand.constant()) return operand.value->constant()->rank();
  return operand.value->type.dims ? operand.value->type.dims->size() : 0;
}

std::optional<Products> read_two_activations(const Cluster& cluster, size_t rank, std::string& reason) {
  Products products;
  const Operand &a = cluster.inputs[0], &b = cluster.inputs[1];
  if (a.quantized() != b.quantized()) return reason = "one operand is float, the other codes", std::nullopt;
  if (a.quantized()) {
    if (!per_tensor_8bit(a) || !per_tensor_8bit(b)) return reason = "operands are not per-tensor 8-bit", std::nullopt;
    products.in_dtype = a.params->dtype;
    products.zero_point = a.params->zero_point();
    products.factors = product_scales(*a.params, *b.params, 1);
  }
  auto epilogue = plan_epilogue(cluster, {rank, rank - 1, -1}, products.factors, reason);
  if (!epilogue) return std::nullopt;
  products.epilogue = std::move(*epilogue);
  return products;
}

void scale_by(Products& products, float alpha, float beta) {
  for (float& factor : products.factors) factor *= alpha;
  for (float& value : products.bias) value *= beta;
  if (products.int8() || alpha == 1) return;
  for (float& weight : products.weights.mutable_data<float>()) weight *= alpha;
}

bool bias_over_columns(const Cluster& cluster, int64_t columns) {
  if (cluster.inputs.size() < 3 || !cluster.inputs[2].value) return true;
  const Shape& shape = cluster.inputs[2].value->constant()->shape();
  const int64_t count = element_count(shape);
  return count == 1 || (count == columns && shape.back() == columns);
}

LowerResult lower_constant(const Cluster& cluster, bool transpose_x, bool transpose_w, float alpha, float beta) {
  const Shape shape = swapped(cluster.inputs[1].value->constant()->shape(), transpose_w);
  const size_t rank = rank_of(cluster.inputs[0]);
  std::string reason;
  auto products = read_products(cluster, transpose_w ? 0 : 1, {rank, rank - 1, shape[1]}, reason);
  if (!products) return Declined{reason};
  if (!bias_over_columns(cluster, shape[1])) return Declined{"the bias is no vector over the columns"};
  if (products->int8()) products->weight_sums = column_sums(products->weights, transpose_w);
  scale_by(*products, alpha, beta);
  return lower_primitive(cluster, std::make_shared<ConstantMatMul>(cluster, std::move(*products), transpose_x, transpose_w),
                         LayoutRule::plain);
}

using LowerOnKernel = LowerResult (*)(const Model&, const Cluster&, const CodeKernel&);

/// What the epilogue of our kernel must hold: constants for the columns alone.
Channels columns_of(const Cluster& cluster, bool transpose_w) {
  const size_t rank = rank_of(cluster.inputs[0]);
  const Operand& b = cluster.inputs[1];
  return {rank, rank - 1, b.constant() ? b.value->constant()->shape()[transpose_w ? 0 : 1] : -1};
}

/// On our own kernel, where that takes the whole cluster.
std::optional<Lowered> lower_on_kernel(const Model& model, const Cluster& cluster, LowerOnKernel lower, bool transpose_w) {
  if (!unsigned_kernel() || !cluster.inputs[0].quantized()) return std::nullopt;
  if (cluster.inputs[1].constant() ? rank_of(cluster.inputs[1]) != 2 : !cluster.inputs[1].quantized()) return std::nullopt;
  const Channels columns = columns_of(cluster, transpose_w);
  if (!fits_kernel(cluster, columns) && !ends_in_curve(cluster, leading_constants(cluster, columns))) return std::nullopt;
  LowerResult result = lower(model, cluster, *unsigned_kernel());
  return std::holds_alternative<Lowered>(result) ? std::optional(std::move(std::get<Lowered>(result))) : std::nullopt;
}

/// As far as types tell; a batch of unknown size is one.
bool is_one_row(const Operand& x) {
  if (!x.value->type.dims || x.value->type.dims->empty()) return false;
  const Shape shape = likely_shape(*x.value);
  return element_count(shape) == shape.back();
}

/// Floats times constants on our own kernel: codes, which oneDNN would hold as floats; and what is probably one row, where oneDNN takes
/// twice the time (16 rows: 1.2 times; 128: as fast).
std::optional<Lowered> lower_floats(const Model& model, const Cluster& cluster, LowerOnKernel lower) {
  const Operand& w = cluster.inputs[1];
  if (cluster.inputs[0].quantized() || !w.constant() || (!w.quantized() && !is_one_row(cluster.inputs[0]))) return std::nullopt;
  LowerResult result = lower(model, cluster, signed_kernel());
  return std::holds_alternative<Lowered>(result) ? std::optional(std::move(std::get<Lowered>(result))) : std::nullopt;
}

}  // namespace

LowerResult lower_matmul(const Model& model, const Cluster& cluster) {
  if (auto own = lower_floats(model, cluster, lower_kernel_matmul)) return std::move(*own);
  if (auto own = lower_on_kernel(model, cluster, lower_kernel_matmul, false)) return std::move(*own);
  const Operand &a = cluster.inputs[0], &b = cluster.inputs[1];
  if (rank_of(a) < 2 || rank_of(b) < 2) return Declined{"an operand is a vector, or of unknown rank"};
  if (b.constant() && rank_of(b) == 2 && !a.constant()) return lower_constant(cluster, false, false, 1, 1);
  if (a.constant() || b.constant()) return Declined{"a constant operand that is no matrix on the right"};
  std::string reason;
  auto products = read_two_activations(cluster, std::max(rank_of(a), rank_of(b)), reason);
  if (!products) return Declined{reason};
  return lower_primitive(cluster, std::make_shared<BatchedMatMul>(cluster, std::move(*products)), LayoutRule::plain);
}

LowerResult lower_gemm(const Model& model, const Cluster& cluster) {
  const Node& node = *cluster.root;
  if (auto own = lower_floats(model, cluster, lower_kernel_gemm)) return std::move(*own);
  if (auto own = lower_on_kernel(model, cluster, lower_kernel_gemm, node.attr_or("transB", 0) != 0)) return std::move(*own);
  if (!cluster.inputs[1].constant() || rank_of(cluster.inputs[1]) != 2 || rank_of(cluster.inputs[0]) != 2)
    return Declined{"the weight is no constant matrix"};
  return lower_constant(cluster, node.attr_or("transA", 0) != 0, node.attr_or("transB", 0) != 0, node.attr_or("alpha", 1.0f),
                        node.attr_or("beta", 1.0f));
}

}  // namespace qtool::onednn
