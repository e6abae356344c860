// Softmax and LayerNormalization over the innermost dimensions, plain layout: row by row, floats, or 8-bit codes in and out.

#include <algorithm>
#include <functional>

#include "exec/onednn/function_step.h"
#include "exec/onednn/operands.h"
#include "exec/onednn/rows.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

/// out = f(in) on rows of n floats; may be given the same row.
using RowFunction = std::function<void(const float* in, float* out, size_t n)>;

/// Where the row begins among the dimensions.
using RowAxis = std::function<size_t(size_t rank)>;

struct Ends {
  std::optional<QuantParams> in, out;
};

void run_rows(const Tensor& x, Tensor& y, size_t row, const Ends& ends, const RowFunction& f) {
  std::vector<float> reals(row);
  const CodeRange codes = ends.out ? full_range(ends.out->dtype) : CodeRange{};
  for (size_t at = 0; at < static_cast<size_t>(x.size()); at += row) {
    const float* in = reals.data();
    if (ends.in)
      kernels::best<kernels::Dequantize>().run({reinterpret_cast<const uint8_t*>(x.bytes()) + at, reals.data(), row, ends.in->scale(),
                                                ends.in->zero_point(), ends.in->dtype == DType::int8});
    else
      in = reinterpret_cast<const float*>(x.bytes()) + at;
    if (!ends.out) {
      f(in, reinterpret_cast<float*>(y.mutable_bytes()) + at, row);
      continue;
    }
    f(in, reals.data(), row);
    kernels::best<kernels::Quantize>().run({reals.data(), reinterpret_cast<uint8_t*>(y.mutable_bytes()) + at, row, ends.out->scale(),
                                            ends.out->zero_point(), static_cast<int32_t>(codes.lo), static_cast<int32_t>(codes.hi)});
  }
}

LowerResult lower_rows(const Cluster& cluster, std::string kernel, RowAxis axis, RowFunction f) {
  const Operand &x = cluster.inputs[0], &y = cluster.outputs[0];
  if (x.constant() || !cluster.post_ops.empty()) return Declined{"a constant input, or something behind"};
  if ((x.quantized() && !per_tensor_8bit(x)) || (y.quantized() && !per_tensor_8bit(y))) return Declined{"codes are not per-tensor 8-bit"};
  const Ends ends{x.params, y.params};
  return make_lowered(LayoutRule::plain, std::move(kernel), [=](StepInputs in, std::span<Array> out, StepContext& context) {
    const Tensor& from = in[0]->tensor;
    expect_type(*in[0], ends.in ? ends.in->dtype : DType::float32);
    const size_t row = static_cast<size_t>(product(from.shape(), axis(from.rank()), from.rank()));
    out[0] = {context.pool.tensor(ends.out ? ends.out->dtype : DType::float32, from.shape()), Layout::plain};
    if (from.size() > 0) run_rows(from, out[0].tensor, row, ends, f);
  });
}

}  // namespace

LowerResult lower_softmax(const Model& model, const Cluster& cluster) {
  const auto& dims = cluster.inputs[0].value->type.dims;
  if (!dims || dims->empty()) return Declined{"the rank of the input is unknown"};
  const bool flattens = model.opset() < 13;
  const auto axis = static_cast<size_t>(normalize_axis(cluster.root->attr_or("axis", flattens ? int64_t{1} : int64_t{-1}), dims->size()));
  if (!flattens && axis + 1 != dims->size()) return Declined{"not along the last axis"};
  const auto& kernel = kernels::best<kernels::Softmax>();
  return lower_rows(
      cluster, std::string(kernel.name), [axis](size_t) { return axis; },
      [&kernel](const float* in, float* out, size_t n) {
        kernel.run({in, out, n});
      });
}

LowerResult lower_layer_norm(const Model&, const Cluster& cluster) {
  const Node& node = *cluster.root;
  const auto present = [](const Operand& output) { return output.value != nullptr; };
  if (std::count_if(cluster.outputs.begin(), cluster.outputs.end(), present) != 1 || cluster.inputs.size() < 2)
    return Declined{"mean and variance wanted"};
  if (!cluster.inputs[1].constant() || cluster.inputs[1].quantized()) return Declined{"the scale is no float constant"};
  const bool has_bias = cluster.inputs.size() > 2 && cluster.inputs[2].value;
  if (has_bias && (!cluster.inputs[2].constant() || cluster.inputs[2].quantized())) return Declined{"the bias is no float constant"};
  const std::vector<float> scale = cluster.inputs[1].value->constant()->to_floats();
  const std::vector<float> bias = has_bias ? cluster.inputs[2].value->constant()->to_floats() : std::vector<float>();
  if (has_bias && bias.size() != scale.size()) return Declined{"scale and bias differ in size"};
  const int64_t axis = node.attr_or("axis", int64_t{-1});
  const auto& kernel = kernels::best<kernels::LayerNorm>();
  return lower_rows(
      cluster, std::string(kernel.name), [axis](size_t rank) { return static_cast<size_t>(normalize_axis(axis, rank)); },
      [=, &kernel, epsilon = node.attr_or("epsilon", 1e-5f)](const float* in, float* out, size_t n) {
        if (n != scale.size()) throw CannotRun("a scale that is broadcast");
        kernel.run({in, scale.data(), bias.empty() ? nullptr : bias.data(), out, n, epsilon});
      });
}

}  // namespace qtool::onednn
