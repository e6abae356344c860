// MatMulIntegerToFloat: u8 codes with a scale and a zero point computed at run time, times a constant s8 matrix.

#include "exec/arm/lowerings.h"
#include "exec/arm/products/rows.h"
#include "exec/kernels/products/dynamic_product.h"
#include "exec/kernels/products/passes.h"

namespace qtool::arm {
namespace {

class DynamicMatMulStep : public Step {
 public:
  DynamicMatMulStep(const Cluster& cluster, CodeProduct product, const Ending& ending)
      : codes_(input_index(cluster, cluster.inputs[kCodes])),
        scale_(input_index(cluster, cluster.inputs[kScale])),
        zero_point_(input_index(cluster, cluster.inputs[kZeroPoint])),
        ending_(ending) {
    const auto depth = static_cast<size_t>(product.weights.shape()[0]), columns = static_cast<size_t>(product.weights.shape()[1]);
    product.zero_point = 127;  // signed -1: start holds the sums of the columns
    columns_ = make_columns(product, {0, {0}, depth, columns, columns, 1}, 0, ending);
  }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Array& x = *inputs[static_cast<size_t>(codes_)];
    expect_type(x, DType::uint8);
    const auto depth = static_cast<int64_t>(columns_.packing.depth);
    Shape out = x.tensor.shape();
    if (out.empty() || out.back() != depth) throw CannotRun("other inner dimensions");
    out.back() = static_cast<int64_t>(columns_.packing.n);
    const float scale = number(*inputs[static_cast<size_t>(scale_)]);
    const int32_t zero_point = static_cast<int32_t>(number(*inputs[static_cast<size_t>(zero_point_)])) - 128;
    outputs[0] = {context.pool.tensor(ending_.dtype, out), Layout::plain};
    if (outputs[0].tensor.size() == 0) return;
    std::vector<int32_t> start = columns_.start;
    std::vector<float> scales = columns_.scale;
    for (int32_t& sum : start) sum *= -zero_point;
    for (float& each : scales) each *= scale;
    const SignedCodes a(x.tensor, context);
    kernels::GemmArgs args = arguments_of(columns_, ending_, nullptr);
    args.start = start.data(), args.scale = scales.data();
    args.a = a.data(), args.a_stride = columns_.packing.depth;
    args.m = static_cast<size_t>(x.tensor.size() / depth);
    args.out = outputs[0].tensor.mutable_bytes(), args.out_stride = columns_.packing.n;
    run_rows(args, context.threads);
  }

  std::string kernel() const override { return gemm_name(columns_.lowest); }

 private:
  static float number(const Array& array) {
    if (array.tensor.size() != 1) throw CannotRun("a scale or zero point that is not one number");
    return static_cast<float>(array.tensor.number_at(0));
  }

  const int codes_, scale_, zero_point_;
  const Ending ending_;
  Columns columns_;
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

LowerResult lower_dynamic_matmul(const Model& model, const Cluster& cluster) {
  std::string reason;
  auto product = read_dynamic_product(cluster, reason);
  if (!product) return Declined{reason};
  if (product->weights.size() == 0 || product->weights.shape()[0] > kDeepest) return Declined{"empty, or deeper than the kernel sums up"};
  const size_t rank = cluster.inputs[kCodes].value->type.dims->size();
  const Channels channels{rank, rank - 1, product->weights.shape()[1]};
  const size_t first = leading_constants(cluster, channels);
  auto divided = divide(model, cluster, first, reason);
  const auto ending = divided ? ending_of(divided->head, first) : std::nullopt;
  if (!ending) return Declined{divided ? "no kernel for what follows" : reason};
  auto step = std::make_unique<DynamicMatMulStep>(cluster, as_code_product(std::move(*product), cluster, channels), *ending);
  return with_passes({std::move(step), LayoutRule::plain}, std::move(*divided));
}

}  // namespace qtool::arm
