// Add, Sub, Mul, Div of two tensors with broadcasting: 8-bit codes to 8-bit codes (bit-exact), or floats with unary operators behind.

#include <numeric>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/elementwise/broadcast.h"
#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/products/operands.h"

namespace qtool::lowerings {
namespace {

using kernels::ArithmeticOp;

std::optional<ArithmeticOp> op_of(const Node& node) {
  if (node.is("Add") || (node.is("Sum") && node.input_count() == 2)) return ArithmeticOp::add;
  if (node.is("Sub")) return ArithmeticOp::sub;
  if (node.is("Mul")) return ArithmeticOp::mul;
  if (node.is("Div")) return ArithmeticOp::div;
  return std::nullopt;
}

/// The two operands: inputs of the step, or constants.
class Pair {
 public:
  explicit Pair(const Cluster& cluster) {
    int next = 0;
    for (size_t i = 0; i < 2; ++i) {
      const Operand& operand = cluster.inputs[i];
      if (operand.constant())
        constants_[i] = {{*operand.value->constant(), Layout::plain}, channels_last(*operand.value->constant())};
      else
        index_[i] = next++;
    }
  }
  /// Operand i; a constant of the rank of the other, channels_last operand comes in that layout too.
  const Array& operator()(StepInputs inputs, size_t i) const {
    if (index_[i] >= 0) return *inputs[static_cast<size_t>(index_[i])];
    const Array& other = *inputs[0];
    const bool alike = other.layout == Layout::channels_last && other.tensor.rank() == constants_[i].plain.tensor.rank();
    return alike ? constants_[i].last : constants_[i].plain;
  }

  /// The layout of the output: that of the activations (an operand of lower rank is plain, and none of the output).
  static Layout layout(const Array& a, const Array& b) {
    return a.layout == Layout::channels_last || b.layout == Layout::channels_last ? Layout::channels_last : Layout::plain;
  }

 private:
  struct Constant {
    Array plain, last;
  };

  static Array channels_last(const Tensor& plain) {
    const size_t width = element_size(plain.dtype());
    if (plain.rank() < 3 || (width != 1 && width != 4)) return {plain, Layout::plain};
    Tensor last(plain.dtype(), plain.shape());
    const auto rows = static_cast<size_t>(plain.shape()[1]), columns = static_cast<size_t>(product(plain.shape(), 2, plain.rank()));
    const size_t plane = rows * columns * width;
    for (size_t n = 0; n < static_cast<size_t>(plain.shape()[0]); ++n)
      kernels::best<kernels::Transpose>().run(
          {plain.bytes() + n * plane, last.mutable_bytes() + n * plane, rows, columns, columns, rows, width});
    return {last, Layout::channels_last};
  }

  Constant constants_[2];
  int index_[2] = {-1, -1};
};

kernels::ArithmeticOperand operand_of(const QuantParams& params) {
  return {nullptr, params.scale(), params.zero_point(), params.dtype == DType::int8, false};
}

Array& make_output(std::span<Array> outputs, const Array& a, const Array& b, DType dtype, StepContext& context) {
  outputs[0] = {context.pool.tensor(dtype, broadcast(a.tensor.shape(), b.tensor.shape())), Pair::layout(a, b)};
  return outputs[0];
}

/// The walks of the shapes and layouts met so far.
class Walks {
 public:
  std::shared_ptr<const Walk> get(const Array& a, const Array& b, const Array& out) const {
    return made_->get(key(a, b, out), [&](const Shape&) {
      return plan_walk({a.tensor.shape(), a.layout}, {b.tensor.shape(), b.layout}, out.tensor.shape(), out.layout);
    });
  }

 private:
  /// Everything that a walk depends on.
  static Shape key(const Array& a, const Array& b, const Array& out) {
    const Shape &first = a.tensor.shape(), &second = b.tensor.shape();
    Shape key;
    key.reserve(first.size() + second.size() + 4);
    key.insert(key.end(), first.begin(), first.end());
    key.insert(key.end(), second.begin(), second.end());
    for (const int64_t more : {static_cast<int64_t>(first.size()), static_cast<int64_t>(a.layout), static_cast<int64_t>(b.layout),
                               static_cast<int64_t>(out.layout)})
      key.push_back(more);
    return key;
  }

  std::shared_ptr<ByShape<Walk>> made_ = std::make_shared<ByShape<Walk>>();
};

void walk(const Walks& walks, const Array& a, const Array& b, Array& out, size_t width, int threads,
          const std::function<void(const RowPointers&)>& body) {
  const auto walk = walks.get(a, b, out);
  if (out.tensor.size() > 0) for_each_row(*walk, a.tensor.bytes(), b.tensor.bytes(), out.tensor.mutable_bytes(), width, threads, body);
}

/// With one constant code the other operand has 256 answers: a table. Nothing where the constant is no single code.
std::optional<Lowered> lower_scalar(const Cluster& cluster, kernels::ArithmeticArgs args) {
  const size_t data = cluster.inputs[0].constant() ? 1 : 0;
  const Tensor& constant = *cluster.inputs[1 - data].value->constant();
  const auto& dims = cluster.inputs[data].value->type.dims;
  if (constant.size() != 1 || !dims || dims->size() < constant.rank()) return std::nullopt;
  Table codes, table;
  std::iota(codes.begin(), codes.end(), uint8_t{0});
  const auto* scalar = reinterpret_cast<const uint8_t*>(constant.bytes());
  args.a.codes = data == 0 ? codes.data() : scalar, args.a.repeated = data != 0;
  args.b.codes = data == 0 ? scalar : codes.data(), args.b.repeated = data == 0;
  args.out = table.data(), args.n = table.size();
  kernels::best<kernels::Arithmetic>().run(args);
  return lower_table(table, cluster.inputs[data].params->dtype, cluster.outputs[0].params->dtype);
}

LowerResult lower_codes(const Cluster& cluster, ArithmeticOp op) {
  const Operand &a = cluster.inputs[0], &b = cluster.inputs[1], &y = cluster.outputs[0];
  if (!per_tensor_8bit(a) || !per_tensor_8bit(b) || !per_tensor_8bit(y)) return Declined{"codes are not per-tensor 8-bit"};
  const auto bounds = bounds_of(cluster.post_ops);
  if (!bounds) return Declined{"an activation other than Relu and Clip behind"};
  const CodeRange codes = full_range(y.params->dtype);
  kernels::ArithmeticArgs args{op,
                               operand_of(*a.params),
                               operand_of(*b.params),
                               nullptr,
                               0,
                               bounds->low,
                               bounds->high,
                               y.params->scale(),
                               y.params->zero_point(),
                               static_cast<int32_t>(codes.lo),
                               static_cast<int32_t>(codes.hi)};
  if (a.constant() || b.constant()) {
    if (auto table = lower_scalar(cluster, args)) return std::move(*table);
  }
  const auto& kernel = kernels::best<kernels::Arithmetic>();
  return make_lowered(LayoutRule::same, std::string(kernel.name),
                      [args, &kernel, pair = Pair(cluster), walks = Walks(), dtype = y.params->dtype](StepInputs in, std::span<Array> out,
                                                                                                      StepContext& context) {
                        const Array &first = pair(in, 0), &second = pair(in, 1);
                        walk(walks, first, second, make_output(out, first, second, dtype, context), 1, context.threads,
                             [&](const RowPointers& row) {
                               kernels::ArithmeticArgs now = args;
                               now.a.codes = reinterpret_cast<const uint8_t*>(row.a), now.a.repeated = row.a_repeated;
                               now.b.codes = reinterpret_cast<const uint8_t*>(row.b), now.b.repeated = row.b_repeated;
                               now.out = reinterpret_cast<uint8_t*>(row.out), now.n = row.n;
                               kernel.run(now);
                             });
                      });
}

LowerResult lower_floats(const Cluster& cluster, ArithmeticOp op) {
  const auto curves = curves_of(cluster.post_ops);
  if (!curves || cluster.outputs[0].quantized()) return Declined{"no kernel for what follows"};
  const auto& kernel = kernels::best<kernels::Combine>();
  return make_lowered(
      LayoutRule::same, std::string(kernel.name),
      [op, &kernel, pair = Pair(cluster), walks = Walks(), curves = *curves](StepInputs in, std::span<Array> out, StepContext& context) {
        const Array &first = pair(in, 0), &second = pair(in, 1);
        expect_type(first, DType::float32);
        expect_type(second, DType::float32);
        walk(walks, first, second, make_output(out, first, second, DType::float32, context), 4, context.threads,
             [&](const RowPointers& row) {
               auto* y = reinterpret_cast<float*>(row.out);
               kernel.run({op, reinterpret_cast<const float*>(row.a), reinterpret_cast<const float*>(row.b), row.a_repeated, row.b_repeated,
                           y, row.n});
               if (!curves.empty()) apply(curves, y, y, row.n);
             });
      });
}

}  // namespace

LowerResult lower_arithmetic(const Model&, const Cluster& cluster) {
  const auto op = op_of(*cluster.root);
  if (!op || cluster.inputs.size() != 2 || !cluster.inputs[0].value || !cluster.inputs[1].value)
    return Declined{"no arithmetic of two tensors"};
  const bool a = cluster.inputs[0].quantized(), b = cluster.inputs[1].quantized();
  for (const Operand& operand : cluster.inputs)
    if (!operand.quantized() && operand.value->type.dtype != DType::float32 && operand.value->type.dtype != DType::undefined &&
        !operand.constant())
      return Declined{"neither float32 nor codes"};
  if (cluster.inputs[0].constant() && cluster.inputs[1].constant()) return Declined{"two constants"};
  if (a != b) return Declined{"codes on one side, floats on the other"};
  return a ? lower_codes(cluster, *op) : lower_floats(cluster, *op);
}

}  // namespace qtool::lowerings
