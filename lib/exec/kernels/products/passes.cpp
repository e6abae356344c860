#include "exec/kernels/products/passes.h"

#include "exec/kernels/elementwise/broadcast.h"
#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/elementwise/piecewise.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/operands.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

using kernels::ArithmeticOp;

/// A second operand: an input of the step, or a constant.
struct Second {
  int input = -1;
  Array constant;
  std::optional<QuantParams> params;
  const Array& of(StepInputs inputs) const { return input >= 0 ? *inputs[static_cast<size_t>(input)] : constant; }
};

Second second_of(const Cluster& cluster, const Operand& operand) {
  if (!operand.constant()) return {input_index(cluster, operand), {}, operand.params};
  const Tensor& constant = *operand.value->constant();
  return {-1, {Tensor::of<float>(constant.shape(), real_values(operand)), Layout::plain}, std::nullopt};
}

void walk_with(const Array& y, const Array& second, Array& out, size_t width, int threads,
               const std::function<void(const RowPointers&)>& body) {
  const Shape& shape = y.tensor.shape();
  if (broadcast(shape, second.tensor.shape()) != shape) throw CannotRun("an operand that enlarges the product");
  const Walk walk = plan_walk({shape, y.layout}, {second.tensor.shape(), second.layout}, shape, y.layout);
  if (out.tensor.size() == 0) return;
  for_each_row(walk, y.tensor.bytes(), second.tensor.bytes(), out.tensor.mutable_bytes(), width, threads, body);
}

void to_codes(Array& y, const QuantParams& params, StepContext& context) {
  Array codes{context.pool.tensor(params.dtype, y.tensor.shape()), y.layout};
  const CodeRange range = full_range(params.dtype);
  const float* from = floats_in(y);
  uint8_t* to = codes_out(codes);
  in_parts(context.threads, y.tensor.size(), 5 * y.tensor.size(), [&](int64_t first, int64_t last) {
    kernels::best<kernels::Quantize>().run({from + first, to + first, static_cast<size_t>(last - first), params.scale(),
                                            params.zero_point(), static_cast<int32_t>(range.lo), static_cast<int32_t>(range.hi)});
  });
  y = std::move(codes);
}

Array to_floats(const Array& codes, const QuantParams& params, StepContext& context) {
  expect_type(codes, params.dtype);
  Array floats{context.pool.tensor(DType::float32, codes.tensor.shape()), codes.layout};
  const uint8_t* from = codes_in(codes);
  float* to = floats_out(floats);
  in_parts(context.threads, codes.tensor.size(), 5 * codes.tensor.size(), [&](int64_t first, int64_t last) {
    kernels::best<kernels::Dequantize>().run(
        {from + first, to + first, static_cast<size_t>(last - first), params.scale(), params.zero_point(), params.dtype == DType::int8});
  });
  return floats;
}

Pass curves_pass(const Curves& curves) {
  return [curves](Array& y, StepInputs, StepContext& context) {
    float* values = floats_out(y);
    in_parts(context.threads, y.tensor.size(), 16 * y.tensor.size(),
             [&](int64_t first, int64_t last) { apply(curves, values + first, values + first, static_cast<size_t>(last - first)); });
  };
}

Pass piecewise_pass(const kernels::PiecewiseTable& table, const QuantParams& to) {
  return [table, to](Array& y, StepInputs, StepContext& context) {
    Array codes{context.pool.tensor(to.dtype, y.tensor.shape()), y.layout};
    const CodeRange range = full_range(to.dtype);
    const float* from = floats_in(y);
    uint8_t* made = codes_out(codes);
    in_parts(context.threads, y.tensor.size(), 8 * y.tensor.size(), [&](int64_t first, int64_t last) {
      kernels::best<kernels::Piecewise>().run({&table, from + first, made + first, static_cast<size_t>(last - first), to.zero_point(),
                                               static_cast<int32_t>(range.lo), static_cast<int32_t>(range.hi)});
    });
    y = std::move(codes);
  };
}

Pass combine_pass(ArithmeticOp op, Second second) {
  return [op, second = std::move(second)](Array& y, StepInputs inputs, StepContext& context) {
    const Array real = second.params ? to_floats(second.of(inputs), *second.params, context) : second.of(inputs);
    expect_type(real, DType::float32);
    walk_with(y, real, y, sizeof(float), context.threads, [&](const RowPointers& row) {
      kernels::best<kernels::Combine>().run({op, reinterpret_cast<const float*>(row.a), reinterpret_cast<const float*>(row.b),
                                             row.a_repeated, row.b_repeated, reinterpret_cast<float*>(row.out), row.n});
    });
  };
}

kernels::ArithmeticOperand codes_of(const QuantParams& params) {
  return {nullptr, params.scale(), params.zero_point(), params.dtype == DType::int8, false};
}

Pass arithmetic_pass(kernels::ArithmeticArgs args, Second second, DType to) {
  return [args, second = std::move(second), to](Array& y, StepInputs inputs, StepContext& context) {
    const Array& other = second.of(inputs);
    expect_type(other, second.params->dtype);
    Array out{context.pool.tensor(to, y.tensor.shape()), y.layout};
    walk_with(y, other, out, 1, context.threads, [&](const RowPointers& row) {
      kernels::ArithmeticArgs now = args;
      now.a.codes = reinterpret_cast<const uint8_t*>(row.a), now.a.repeated = row.a_repeated;
      now.b.codes = reinterpret_cast<const uint8_t*>(row.b), now.b.repeated = row.b_repeated;
      now.out = reinterpret_cast<uint8_t*>(row.out), now.n = row.n;
      kernels::best<kernels::Arithmetic>().run(now);
    });
    y = std::move(out);
  };
}

Pass table_pass(const Table& table, DType to) {
  return [table, to](Array& y, StepInputs, StepContext& context) {
    Array out{context.pool.tensor(to, y.tensor.shape()), y.layout};
    const uint8_t* from = codes_in(y);
    uint8_t* made = codes_out(out);
    in_parts(context.threads, y.tensor.size(), 2 * y.tensor.size(), [&](int64_t first, int64_t last) {
      kernels::best<kernels::Lookup>().run({from + first, made + first, static_cast<size_t>(last - first), table.data()});
    });
    y = std::move(out);
  };
}

class Divider {
 public:
  Divider(const Model& model, const Cluster& cluster, HeadKind kind, std::string& reason)
      : model_(model), cluster_(cluster), kind_(kind), reason_(reason) {}

  std::optional<Divided> divide(size_t first) {
    if (cluster_.outputs.size() != 1) return reason_ = "several outputs", std::nullopt;
    if (out() && !per_tensor_8bit(cluster_.outputs[0])) return reason_ = "output codes are not per-tensor 8-bit", std::nullopt;
    size_t i = take_head(first);
    while (i < posts().size())
      if (!(codes_ ? on_codes(i) : on_floats(i))) return std::nullopt;
    finish();
    return std::move(result_);
  }

 private:
  const std::vector<PostOp>& posts() const { return cluster_.post_ops; }
  const std::optional<QuantParams>& out() const { return cluster_.outputs[0].params; }

  bool is(size_t i, PostOp::Kind kind) const { return i < posts().size() && posts()[i].kind == kind; }

  bool clips(size_t i) const { return i < posts().size() && bounds_of(std::span(posts()).subspan(i, 1)).has_value(); }

  /// Where codes are made at position i, by an inner Q or at the end: their parameters.
  std::optional<QuantParams> codes_at(size_t i) const {
    const auto params = i == posts().size() ? out() : is(i, PostOp::Kind::requantize) ? posts()[i].params : std::nullopt;
    return params && per_tensor_8bit({nullptr, params}) ? params : std::nullopt;
  }

  size_t take_head(size_t first) {
    result_.head = cluster_;
    size_t end = first;
    while (clips(end)) ++end;
    if (kind_ == HeadKind::clamped_floats) {
      result_.head.outputs[0].params.reset();
      result_.head.post_ops.resize(end);
      return end;
    }
    codes_ = codes_at(end);
    result_.head.outputs[0].params = codes_;
    result_.head.post_ops.resize(codes_ ? end : first);
    return !codes_ ? first : end < posts().size() ? end + 1 : end;
  }

  void add(Pass pass, std::string_view kernel) {
    result_.passes.push_back(std::move(pass));
    result_.kernels += "+" + std::string(kernel);
  }

  bool on_codes(size_t& i) {
    if (look_up(i) || combine_codes(i)) return true;
    dequantize_codes();
    return true;
  }

  void dequantize_codes() {
    add([params = *codes_](Array& y, StepInputs, StepContext& context) { y = to_floats(y, params, context); },
        kernels::best<kernels::Dequantize>().name);
    codes_.reset();
  }

  /// Activations between codes and codes are a table.
  bool look_up(size_t& i) {
    std::vector<const Node*> nodes;
    size_t end = i;
    for (; is(end, PostOp::Kind::activation); ++end) nodes.push_back(posts()[end].node);
    const auto to = codes_at(end);
    const auto chain = to ? chain_function(model_, nodes) : std::nullopt;
    if (!chain) return false;
    add(table_pass(table_of(*codes_, *to, *chain), to->dtype), kernels::best<kernels::Lookup>().name);
    codes_ = *to;
    i = std::min(end + 1, posts().size());
    return true;
  }

  /// codes + codes -> ReLU, Clip -> codes
  bool combine_codes(size_t& i) {
    const PostOp& post = posts()[i];
    if ((post.kind != PostOp::Kind::add && post.kind != PostOp::Kind::mul) || post.operand.constant() || !per_tensor_8bit(post.operand))
      return false;
    size_t end = i + 1;
    while (clips(end)) ++end;
    const Bounds bounds = *bounds_of(std::span(posts()).subspan(i + 1, end - i - 1));
    const auto to = codes_at(end);
    if (!to) return false;
    const CodeRange range = full_range(to->dtype);
    add(arithmetic_pass({post.kind == PostOp::Kind::add ? ArithmeticOp::add : ArithmeticOp::mul, codes_of(*codes_),
                         codes_of(*post.operand.params), nullptr, 0, bounds.low, bounds.high, to->scale(), to->zero_point(),
                         static_cast<int32_t>(range.lo), static_cast<int32_t>(range.hi)},
                        second_of(cluster_, post.operand), to->dtype),
        kernels::best<kernels::Arithmetic>().name);
    codes_ = *to;
    i = std::min(end + 1, posts().size());
    return true;
  }

  /// Activations between floats and codes.
  bool approximate(size_t& i) {
    size_t end = i;
    while (is(end, PostOp::Kind::activation)) ++end;
    const auto to = end > i ? codes_at(end) : std::nullopt;
    const auto table = to ? piecewise_of(std::span(posts()).subspan(i, end - i), *to) : std::nullopt;
    if (!table) return false;
    add(piecewise_pass(*table, *to), kernels::best<kernels::Piecewise>().name);
    codes_ = *to;
    i = std::min(end + 1, posts().size());
    return true;
  }

  bool on_floats(size_t& i) {
    if (approximate(i)) return true;
    const PostOp& post = posts()[i++];
    if (post.kind == PostOp::Kind::requantize) return quantize_to(post.params);
    if (post.kind == PostOp::Kind::activation) return curve(*post.node);
    if (post.operand.quantized() && !post.operand.constant() && !per_tensor_8bit(post.operand))
      return reason_ = "a residual of unusual codes", false;
    add(combine_pass(post.kind == PostOp::Kind::add ? ArithmeticOp::add : ArithmeticOp::mul, second_of(cluster_, post.operand)),
        kernels::best<kernels::Combine>().name);
    return true;
  }

  bool curve(const Node& node) {
    const auto curves = curves_of(node);
    if (!curves) return reason_ = "no kernel for " + node.op, false;
    add(curves_pass(*curves), kernels::best<kernels::Curve>().name);
    return true;
  }

  bool quantize_to(const std::optional<QuantParams>& params) {
    if (!per_tensor_8bit({nullptr, params})) return reason_ = "an inner Q that is not per-tensor 8-bit", false;
    add([to = *params](Array& y, StepInputs, StepContext& context) { to_codes(y, to, context); }, kernels::best<kernels::Quantize>().name);
    codes_ = params;
    return true;
  }

  void finish() {
    if (!codes_ && out()) quantize_to(out());
    if (codes_ && out() && *codes_ != *out())
      add(table_pass(table_of(*codes_, *out(), [](const Tensor& real) { return real; }), out()->dtype),
          kernels::best<kernels::Lookup>().name);
    if (codes_ && !out()) dequantize_codes();
  }

  const Model& model_;
  const Cluster& cluster_;
  const HeadKind kind_;
  std::string& reason_;
  Divided result_;
  std::optional<QuantParams> codes_;  ///< of y so far; nothing: floats
};

class PassedStep : public Step {
 public:
  PassedStep(std::unique_ptr<Step> head, std::vector<Pass> passes, std::string kernels)
      : head_(std::move(head)), passes_(std::move(passes)), kernels_(std::move(kernels)) {}

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    head_->run(inputs, outputs, context);
    Array y = std::move(outputs[0]);
    for (const Pass& pass : passes_) pass(y, inputs, context);
    outputs[0] = std::move(y);
  }

  std::string kernel() const override { return head_->kernel() + kernels_; }

 private:
  const std::unique_ptr<Step> head_;
  const std::vector<Pass> passes_;
  const std::string kernels_;
};

}  // namespace

bool ends_in_curve(const Cluster& cluster, size_t first) {
  if (cluster.outputs.size() != 1 || !per_tensor_8bit(cluster.outputs[0]) || first >= cluster.post_ops.size()) return false;
  return piecewise_of(std::span(cluster.post_ops).subspan(first), *cluster.outputs[0].params).has_value();
}

std::optional<Divided> divide(const Model& model, const Cluster& cluster, HeadKind kind, size_t first, std::string& reason) {
  return Divider(model, cluster, kind, reason).divide(first);
}

Lowered with_passes(Lowered head, Divided divided) {
  if (divided.passes.empty()) return head;
  return {std::make_unique<PassedStep>(std::move(head.step), std::move(divided.passes), std::move(divided.kernels)), head.layout};
}

}  // namespace qtool::lowerings
