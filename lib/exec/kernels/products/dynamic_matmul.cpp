// MatMulIntegerToFloat: u8 codes with a scale and a zero point computed at run time, times a constant s8 matrix.

#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/dynamic_product.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/passes.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

class DynamicMatMulStep : public Step {
 public:
  DynamicMatMulStep(const Cluster& cluster, CodeProduct product, const Ending& ending, const CodeKernel& kernel)
      : codes_(input_index(cluster, cluster.inputs[kCodes])),
        scale_(input_index(cluster, cluster.inputs[kScale])),
        zero_point_(input_index(cluster, cluster.inputs[kZeroPoint])),
        kernel_(kernel),
        side_(with_sums(std::move(product), kernel), ending, kernel) {
    const auto depth = static_cast<size_t>(side_.weights().shape()[0]), columns = static_cast<size_t>(side_.weights().shape()[1]);
    side_.add({0, {0}, depth, columns, columns, 1}, 0);
    side_.finish();
  }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Array& x = *inputs[static_cast<size_t>(codes_)];
    expect_type(x, DType::uint8);
    const auto depth = static_cast<int64_t>(side_.packing().depth);
    Shape out = x.tensor.shape();
    if (out.empty() || out.back() != depth) throw CannotRun("other inner dimensions");
    out.back() = static_cast<int64_t>(side_.packing().n);
    const float scale = number(*inputs[static_cast<size_t>(scale_)]);
    const int32_t zero_point = kernel_.zero_point(DType::uint8, static_cast<int32_t>(number(*inputs[static_cast<size_t>(zero_point_)])));
    outputs[0] = {context.pool.tensor(side_.out_dtype(), out), Layout::plain};
    if (outputs[0].tensor.size() == 0) return;
    kernels::GemmArgs args = side_.arguments(0);
    std::vector<int32_t> start(args.start, args.start + args.packing.padded_n());
    std::vector<float> scales(args.scale, args.scale + args.packing.padded_n());
    for (int32_t& sum : start) sum *= -zero_point;
    for (float& each : scales) each *= scale;
    const RowCodes a(x.tensor, side_.flips(), context);
    args.start = start.data(), args.scale = scales.data();
    args.a = a.data(), args.a_stride = args.packing.depth;
    args.m = static_cast<size_t>(x.tensor.size() / depth), args.out_stride = args.packing.n;
    run_rows(side_, args, outputs[0].tensor.mutable_bytes(), context.threads);
  }

  std::string kernel() const override { return side_.kernel(); }

 private:
  /// A zero point that is -1 to the kernel: what the sums start with is then the sums of the weights.
  static CodeProduct with_sums(CodeProduct product, const CodeKernel& kernel) {
    product.zero_point = -1 - kernel.zero_point(DType::uint8, 0);
    return product;
  }

  static float number(const Array& array) {
    if (array.tensor.size() != 1) throw CannotRun("a scale or zero point that is not one number");
    return static_cast<float>(array.tensor.number_at(0));
  }

  const int codes_, scale_, zero_point_;
  const CodeKernel& kernel_;
  CodeSide side_;
};

CodeProduct as_code_product(DynamicProduct product, const Cluster& cluster, const Channels& channels) {
  CodeProduct result{DType::uint8, 0, std::move(product.weights), std::move(product.scales), {}, {}};
  result.bias.assign(product.bias.begin(), product.bias.end());
  for (size_t i = 0; i < leading_constants(cluster, channels); ++i) {
    const std::vector<float> values = channel_values(cluster.post_ops[i].operand, channels);
    for (size_t c = 0; c < values.size(); ++c) result.bias[c] += values[c];
  }
  return result;
}

}  // namespace

LowerResult lower_kernel_dynamic_matmul(const Model& model, const Cluster& cluster, const CodeKernel& kernel) {
  std::string reason;
  auto product = read_dynamic_product(cluster, reason);
  if (!product) return Declined{reason};
  if (product->weights.size() == 0 || product->weights.shape()[0] > kDeepest) return Declined{"empty, or deeper than the kernel sums up"};
  const size_t rank = cluster.inputs[kCodes].value->type.dims->size();
  const Channels channels{rank, rank - 1, product->weights.shape()[1]};
  const size_t first = leading_constants(cluster, channels);
  auto divided = divide(model, cluster, HeadKind::codes, first, reason);
  const auto ending = divided ? ending_of(divided->head, first) : std::nullopt;
  if (!ending) return Declined{divided ? "no kernel for what follows" : reason};
  auto step = std::make_unique<DynamicMatMulStep>(cluster, as_code_product(std::move(*product), cluster, channels), *ending, kernel);
  return with_passes({std::move(step), LayoutRule::plain}, std::move(*divided));
}

}  // namespace qtool::lowerings
