#include "exec/onednn/products/epilogue.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "exec/onednn/memory.h"
#include "exec/onednn/products/activation.h"

namespace qtool::onednn {
namespace {

using dnnl::algorithm;
constexpr float kMax = std::numeric_limits<float>::max();

/// y = unit * v + offset
struct Unit {
  double unit = 1, offset = 0;
  bool operator==(const Unit&) const = default;
};

Unit unit_of(const QuantParams& params) { return {params.scale(), -static_cast<double>(params.scale()) * params.zero_point()}; }

/// Scales with few significant bits (powers of two, mostly): sums of products meet ties there.
bool tie_prone(double factor) { return (std::bit_cast<uint32_t>(static_cast<float>(factor)) & 0xFF) == 0 && factor != 1; }

class Planner {
 public:
  Planner(const Cluster& cluster, const Channels& channels, const std::vector<float>& factors, std::string& reason)
      : cluster_(cluster), channels_(channels), factors_(factors), reason_(reason) {}

  std::optional<Epilogue> plan() {
    if (!supported_output()) return std::nullopt;
    take_leading_constants();
    now_ = first_unit();
    result_.unit = now_.unit;
    result_.offset = now_.offset;
    for (size_t i = first_; i < cluster_.post_ops.size(); ++i)
      if (!append(cluster_.post_ops[i], i + 1 == cluster_.post_ops.size())) return std::nullopt;
    finish();
    return std::move(result_);
  }

 private:
  const std::optional<QuantParams>& out() const { return cluster_.outputs[0].params; }

  bool refuse(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }

  bool supported_output() {
    if (!out()) return true;
    result_.out_dtype = out()->dtype;
    const bool eight_bits = out()->dtype == DType::uint8 || out()->dtype == DType::int8;
    return (eight_bits && !out()->per_channel()) || refuse("output codes are not per-tensor 8-bit");
  }

  void take_leading_constants() {
    for (; first_ < cluster_.post_ops.size() && cluster_.post_ops[first_].kind == PostOp::Kind::add; ++first_) {
      const auto values = channel_values(cluster_.post_ops[first_].operand, channels_);
      if (values.empty()) return;
      if (result_.bias.empty()) result_.bias.assign(values.size(), 0);
      for (size_t c = 0; c < values.size(); ++c) result_.bias[c] += values[c];
    }
  }

  Unit final_unit() const {
    if (!out()) return {};
    return rounds_explicitly() ? Unit{out()->scale(), 0} : unit_of(*out());
  }

  /// Zero points are added after rounding; adding an odd one before it moves ties to the other neighbour.
  bool rounds_explicitly() const {
    if (!out() || out()->zero_point() % 2 == 0) return false;
    const double scale = out()->scale();
    for (const PostOp& post : cluster_.post_ops)
      if ((post.params && tie_prone(post.params->scale() / scale)) ||
          (post.operand.params && !post.operand.constant() && tie_prone(post.operand.params->scale() / scale)))
        return true;
    return std::any_of(factors_.begin(), factors_.end(), [&](float f) { return tie_prone(f / scale); });
  }

  /// The unit wanted by the first step that has one.
  Unit first_unit() const {
    for (size_t i = first_; i < cluster_.post_ops.size(); ++i) {
      const PostOp& post = cluster_.post_ops[i];
      if (post.kind == PostOp::Kind::requantize) return {post.params->scale(), 0};
      if (post.kind == PostOp::Kind::add && post.operand.quantized() && !post.operand.constant())
        return residual_unit(*post.operand.params);
      if (post.kind != PostOp::Kind::activation) return {};
      const auto activation = activation_of(*post.node);
      if (!activation || activation->kind == Activation::Kind::curve) return {};
      if (activation->kind == Activation::Kind::leaky) return {final_unit().unit, 0};
    }
    return final_unit();
  }

  static Unit residual_unit(const QuantParams& params) {
    return {params.scale(), static_cast<double>(params.scale()) * params.zero_point()};
  }

  void become(Unit wanted) {
    if (wanted == now_) return;
    emit(algorithm::eltwise_linear, now_.unit / wanted.unit, (now_.offset - wanted.offset) / wanted.unit);
    now_ = wanted;
  }

  void emit(algorithm which, double alpha = 0, double beta = 0, const Operand* operand = nullptr) {
    result_.operations.push_back({which, static_cast<float>(alpha), static_cast<float>(beta), operand});
  }

  bool append(const PostOp& post, bool last) {
    switch (post.kind) {
      case PostOp::Kind::requantize:
        return requantize(*post.params);
      case PostOp::Kind::add:
        return add(post.operand);
      case PostOp::Kind::mul:
        return mul(post.operand);
      default:
        return activate(*post.node, last);
    }
  }

  bool requantize(const QuantParams& params) {
    if (params.per_channel()) return refuse("an inner Q per channel");
    become({params.scale(), 0});
    const CodeRange codes = full_range(params.dtype);
    emit(algorithm::eltwise_round);
    emit(algorithm::eltwise_clip, static_cast<double>(codes.lo - params.zero_point()), static_cast<double>(codes.hi - params.zero_point()));
    return true;
  }

  /// v + codes stands for y + (codes - z) * s when v = y / s - z... which is unit s, offset s * z before, 0 after.
  bool add(const Operand& operand) {
    if (operand.quantized() && !operand.constant()) {
      if (operand.params->per_channel() || bit_width(operand.params->dtype) != 8) return refuse("a residual of unusual codes");
      become(residual_unit(*operand.params));
      emit(algorithm::binary_add, 0, 0, &operand);
      now_.offset = 0;
      return true;
    }
    become({1, now_.unit == 1 ? now_.offset : 0});
    emit(algorithm::binary_add, 0, 0, &operand);
    return true;
  }

  bool mul(const Operand& operand) {
    if (operand.quantized() && !operand.constant()) return refuse("a product with codes behind");
    become({now_.unit, 0});
    emit(algorithm::binary_mul, 0, 0, &operand);
    return true;
  }

  bool activate(const Node& node, bool last) {
    const auto activation = activation_of(node);
    if (!activation) return refuse("no oneDNN post-op for " + node.op);
    switch (activation->kind) {
      case Activation::Kind::clip:
        return clip(activation->alpha, activation->beta, last);
      case Activation::Kind::affine:
        return scale_and_shift(activation->alpha, activation->beta);
      case Activation::Kind::leaky:
        become({now_.unit, 0});
        emit(algorithm::eltwise_relu, activation->alpha);
        return true;
      default:
        become({});
        emit(activation->algorithm, activation->alpha, activation->beta);
        return true;
    }
  }

  bool clip(float lo, float hi, bool last) {
    const double low = lo == -kMax ? -kMax : (lo - now_.offset) / now_.unit;
    const double high = hi == kMax ? kMax : (hi - now_.offset) / now_.unit;
    if (last && saturation_clips(low, high)) return true;
    if (low == 0 && high == kMax)
      emit(algorithm::eltwise_relu);
    else
      emit(algorithm::eltwise_clip, low, std::min<double>(high, kMax));
    return true;
  }

  bool saturation_clips(double low, double high) const {
    if (!out() || now_ != unit_of(*out())) return false;
    const CodeRange codes = full_range(out()->dtype);
    return low <= static_cast<double>(codes.lo) && high >= static_cast<double>(codes.hi);
  }

  bool scale_and_shift(float scale, float shift) {
    if (scale > 0) {
      now_ = {now_.unit * scale, now_.offset * scale + shift};
      return true;
    }
    emit(algorithm::eltwise_linear, now_.unit * scale, now_.offset * scale + shift);
    now_ = {};
    return true;
  }

  void finish() {
    if (!out()) return become({});
    become(final_unit());
    if (!rounds_explicitly()) return;
    emit(algorithm::eltwise_round);
    become(unit_of(*out()));
  }

  const Cluster& cluster_;
  const Channels channels_;
  const std::vector<float>& factors_;
  std::string& reason_;
  Epilogue result_;
  Unit now_;
  size_t first_ = 0;
};

/// A constant broadcast to `logical`, as rows of the matrix `out` that stands for it: [1, columns], or all its rows.
Tensor as_matrix(const Operand& operand, const Shape& logical, const Shape& out) {
  const Shape shape = padded_shape(operand.value->constant()->shape(), logical.size());
  const std::vector<float> values = real_values(operand);
  const int64_t columns = shape.back(), rows = product(shape, 0, shape.size() - 1);
  if (rows == 1) return Tensor::of<float>({1, columns}, values);
  size_t first = 0;
  while (shape[first] == 1) ++first;
  if (!std::equal(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end(), logical.begin() + static_cast<std::ptrdiff_t>(first)))
    throw CannotRun("a constant behind a matrix product that repeats by blocks");
  std::vector<float> all;
  for (int64_t row = 0; row < out[0]; row += rows) all.insert(all.end(), values.begin(), values.end());
  return Tensor::of<float>(out, all);
}

/// A constant operand as floats in the output's layout; appends the post-op.
dnnl::memory append_constant(dnnl::post_ops& post_ops, const Epilogue::Operation& operation, const Shape& logical, const Shape& out,
                             Layout layout) {
  const Operand& operand = *operation.operand;
  const Tensor values = logical != out
                            ? as_matrix(operand, logical, out)
                            : Tensor::of<float>(padded_shape(operand.value->constant()->shape(), out.size()), real_values(operand));
  const auto desc = desc_of(DType::float32, values.shape(), layout);
  post_ops.append_binary(operation.algorithm, desc);
  return packed(values, desc_of(DType::float32, values.shape(), Layout::plain), desc);
}

/// An input of the step as operand; appends the post-op.
Compiled::Slot append_input(dnnl::post_ops& post_ops, const Epilogue::Operation& operation, int input, const Shape& shape, size_t rank,
                            Layout layout) {
  const Operand& operand = *operation.operand;
  const auto desc = desc_of(operand.quantized() ? operand.params->dtype : DType::float32, padded_shape(shape, rank), layout);
  post_ops.append_binary(operation.algorithm, desc);
  return {0, desc, input};
}

}  // namespace

std::optional<Epilogue> plan_epilogue(const Cluster& cluster, const Channels& channels, const std::vector<float>& factors,
                                      std::string& reason) {
  return Planner(cluster, channels, factors, reason).plan();
}

dnnl::post_ops make_post_ops(const Epilogue& epilogue, const Cluster& cluster, const std::vector<Shape>& inputs, const Shape& out_shape,
                             Layout layout, Compiled& compiled) {
  dnnl::post_ops post_ops;
  for (const auto& operation : epilogue.operations) {
    if (!operation.operand) {
      post_ops.append_eltwise(operation.algorithm, operation.alpha, operation.beta);
      continue;
    }
    const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len()) | DNNL_ARG_SRC_1;
    const Operand& operand = *operation.operand;
    if (operand.constant()) {
      compiled.constants.emplace_back(argument, append_constant(post_ops, operation, compiled.out_shape, out_shape, layout));
      continue;
    }
    const int input = input_index(cluster, operand);
    compiled.slots.push_back(append_input(post_ops, operation, input, inputs[static_cast<size_t>(input)], out_shape.size(), layout));
    compiled.slots.back().argument = argument;
  }
  return post_ops;
}

}  // namespace qtool::onednn
