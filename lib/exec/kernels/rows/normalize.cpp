// BatchNormalization left alone (a scale and a shift a channel) on floats; LRN on codes, channels_last.

#include <cmath>

#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"

namespace qtool::lowerings {
namespace {

/// y = x * scale + shift, a number a channel: row by row, so that the product is still near when the shift is added.
void scale_channels(const Array& x, const std::vector<float>& scale, const std::vector<float>& shift, Array& y, int threads) {
  const auto channels = static_cast<int64_t>(scale.size()), size = x.tensor.size();
  const bool last = x.layout == Layout::channels_last || x.tensor.rank() == 2;
  const int64_t pixels = size / x.tensor.shape()[0] / channels, n = last ? channels : pixels;
  const float* in = floats_in(x);
  float* out = floats_out(y);
  const auto combine = kernels::best<kernels::Combine>().run;
  in_parts(threads, size / n, 8 * size, [&](int64_t first, int64_t end) {
    for (int64_t row = first; row < end; ++row) {
      const auto c = static_cast<size_t>(last ? 0 : row % channels);
      combine({kernels::ArithmeticOp::mul, in + row * n, &scale[c], false, !last, out + row * n, static_cast<size_t>(n)});
      combine({kernels::ArithmeticOp::add, out + row * n, &shift[c], false, !last, out + row * n, static_cast<size_t>(n)});
    }
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
                        scale_channels(*in[0], scale, shift, out[0], context.threads);
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
