// BatchNormalization left alone (a scale and a shift a channel) on floats; LRN on codes, channels_last.

#include <cmath>

#include "exec/kernels/elementwise/broadcast.h"
#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"

namespace qtool::lowerings {
namespace {

/// [C] -> [C, 1, ...] that broadcasts along dimension 1 of a tensor of `rank`.
Strided per_channel(int64_t channels, size_t rank) {
  Shape shape(rank > 1 ? rank - 1 : 1, 1);
  shape[0] = channels;
  return {shape, Layout::plain};
}

void combine_channels(kernels::ArithmeticOp op, const Array& x, const std::vector<float>& values, Array& y) {
  const Strided channels = per_channel(static_cast<int64_t>(values.size()), x.tensor.rank());
  const Walk walk = plan_walk({x.tensor.shape(), x.layout}, channels, x.tensor.shape(), x.layout);
  for_each_row(walk, x.tensor.bytes(), reinterpret_cast<const std::byte*>(values.data()), y.tensor.mutable_bytes(), 4, 1,
               [&](const RowPointers& row) {
                 kernels::best<kernels::Combine>().run({op, reinterpret_cast<const float*>(row.a), reinterpret_cast<const float*>(row.b),
                                                        row.a_repeated, row.b_repeated, reinterpret_cast<float*>(row.out), row.n});
               });
}

}  // namespace

LowerResult lower_batch_normalization(const Model&, const Cluster& cluster) {
  const Node& node = *cluster.root;
  if (cluster.inputs.size() != 5 || node.attr_or("training_mode", 0) != 0 || cluster.inputs[0].constant())
    return Declined{"training, or a constant input"};
  std::vector<float> parts[4];
  for (size_t i = 0; i < 4; ++i) {
    if (!cluster.inputs[i + 1].constant()) return Declined{"a parameter is no constant"};
    parts[i] = cluster.inputs[i + 1].value->constant()->to_floats();
    if (parts[i].size() != parts[0].size()) return Declined{"parameters differ in size"};
  }
  const float epsilon = node.attr_or("epsilon", 1e-5f);
  std::vector<float> scale, shift;
  for (size_t c = 0; c < parts[0].size(); ++c) {
    const double s = parts[0][c] / std::sqrt(static_cast<double>(parts[3][c]) + static_cast<double>(epsilon));
    scale.push_back(static_cast<float>(s));
    shift.push_back(static_cast<float>(parts[1][c] - parts[2][c] * s));
  }
  return make_lowered(LayoutRule::same, std::string(kernels::best<kernels::Combine>().name),
                      [=](StepInputs in, std::span<Array> out, StepContext& context) {
                        expect_type(*in[0], DType::float32);
                        const Shape& shape = in[0]->tensor.shape();
                        if (shape.size() < 2 || shape[1] != static_cast<int64_t>(scale.size()))
                          throw CannotRun("another number of channels");
                        out[0] = {context.pool.tensor(DType::float32, shape), in[0]->layout};
                        if (in[0]->tensor.size() == 0) return;
                        combine_channels(kernels::ArithmeticOp::mul, *in[0], scale, out[0]);
                        combine_channels(kernels::ArithmeticOp::add, out[0], shift, out[0]);
                      });
}

/// DQ -> LRN -> Q.
LowerResult lower_code_response(const Model&, const Cluster& cluster) {
  const Node& node = *cluster.root;
  const Operand &x = cluster.inputs[0], &y = cluster.outputs[0];
  const int64_t size = node.attr_or("size", int64_t{1});
  const float alpha = node.attr_or("alpha", 1e-4f), bias = node.attr_or("bias", 1.0f), beta = node.attr_or("beta", 0.75f);
  if (!per_tensor_8bit(x) || !per_tensor_8bit(y) || x.constant()) return Declined{"codes are not per-tensor 8-bit"};
  if (size % 2 == 0 || size < 1 || !(alpha >= 0) || !(bias >= 1e-6f) || beta != 0.75f) return Declined{"unusual parameters"};
  const CodeRange codes = full_range(y.params->dtype);
  kernels::LocalResponseArgs args{};
  args.half = static_cast<size_t>(size / 2);
  args.in_signed = x.params->dtype == DType::int8;
  const double in_scale = x.params->scale();
  args.in_zero_point = x.params->zero_point(), args.zero_point = y.params->zero_point();
  args.factor = static_cast<float>(alpha / static_cast<double>(size) * in_scale * in_scale), args.bias = bias;
  args.steps = static_cast<float>(in_scale / y.params->scale());
  args.lo = static_cast<int32_t>(codes.lo), args.hi = static_cast<int32_t>(codes.hi);
  const auto& kernel = kernels::best<kernels::LocalResponse>();
  return make_lowered(
      LayoutRule::channels_last, std::string(kernel.name),
      [&kernel, args, from = x.params->dtype, to = y.params->dtype](StepInputs in, std::span<Array> out, StepContext& context) {
        expect_type(*in[0], from);
        const Shape& shape = in[0]->tensor.shape();
        if (shape.size() < 3) throw CannotRun("a matrix");
        out[0] = {context.pool.tensor(to, shape), Layout::channels_last};
        if (in[0]->tensor.size() == 0) return;
        const auto channels = static_cast<size_t>(shape[1]);
        uint8_t* y = codes_out(out[0]);
        in_parts(context.threads, in[0]->tensor.size() / shape[1], 16 * in[0]->tensor.size(), [&](int64_t first, int64_t last) {
          kernels::LocalResponseArgs part = args;
          std::vector<float> scratch(args.kRowsTogether * 2 * (channels + args.half) + 32);
          part.in = codes_in(*in[0]) + static_cast<size_t>(first) * channels;
          part.out = y + static_cast<size_t>(first) * channels;
          part.scratch = scratch.data();
          part.rows = static_cast<size_t>(last - first), part.n = channels;
          kernel.run(part);
        });
      });
}

}  // namespace qtool::lowerings
