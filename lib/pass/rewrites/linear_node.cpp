#include "pass/rewrites/linear_node.h"

#include <algorithm>
#include <type_traits>

#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

size_t rank_of(const Value* value) { return value && value->type.dims ? value->type.dims->size() : 0; }

bool any_positive(const std::vector<int64_t>& values) {
  return std::any_of(values.begin(), values.end(), [](int64_t value) { return value != 0; });
}

/// Why `value` cannot be edited as a weight; empty: it can.
std::string refuse_weight(const Value* value, const char* what) {
  if (!value) return std::string("there is no ") + what;
  if (!value->constant()) return std::string("the ") + what + " \"" + value->name() + "\" is not constant";
  if (!is_floating(value->constant()->dtype())) return std::string("the ") + what + " is not floating point";
  return {};
}

}  // namespace

std::optional<LinearNode> LinearNode::of(Node& node) {
  const bool with_bias = node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
  if (!with_bias && !node.is("MatMul") && !node.is("BatchNormalization")) return std::nullopt;
  LinearNode linear(node, 1, node.is("MatMul") ? -1 : 2);
  linear.reason_ = refuse_weight(node.in(1), "weight");
  if (linear.reason_.empty()) linear.read_channels();
  if (linear.reason_.empty()) linear.check();
  return linear;
}

void LinearNode::read_channels() {
  const Shape& shape = weight().shape();
  groups_ = node_->attr_or("group", 1);
  if (node_->is("BatchNormalization")) {
    const size_t rank = rank_of(node_->in(0));
    outputs_ = inputs_ = {shape.size() == 1 ? shape[0] : 0, rank, false};
    return;
  }
  const size_t wanted = node_->is("Conv") || node_->is("ConvTranspose") ? 3 : 2;
  if (shape.size() < wanted || (wanted == 2 && shape.size() != 2) || groups_ < 1) {
    reason_ = "the weight has shape " + to_string(shape);
    return;
  }
  if (node_->is("Conv")) {
    outputs_ = {shape[0], shape.size(), false};
    inputs_ = {shape[1] * groups_, shape.size(), false};
  } else if (node_->is("ConvTranspose")) {
    outputs_ = {shape[1] * groups_, shape.size(), false};
    inputs_ = {shape[0], shape.size(), false};
  } else {
    const bool swapped = node_->attr_or("transB", 0) != 0;
    const size_t rank = node_->is("Gemm") ? 2 : std::max(rank_of(node_->in(0)), rank_of(node_->out()));
    outputs_ = {shape[swapped ? 0 : 1], rank, true};
    inputs_ = {shape[swapped ? 1 : 0], rank, true};
  }
}

void LinearNode::check() {
  if (outputs_.count < 1 || inputs_.count < 1 || outputs_.count % groups_ || inputs_.count % groups_)
    reason_ = "its channels do not fit its groups";
  if (bias_ < 0 || !node_->in(2) || !reason_.empty()) return;
  reason_ = refuse_weight(node_->in(2), "bias");
  if (!reason_.empty()) return;
  const Tensor& tensor = *node_->in(2)->constant();
  const bool by_channel =
      tensor.size() == 1 || (tensor.size() == outputs_.count && tensor.rank() >= 1 && tensor.shape().back() == outputs_.count);
  if (!by_channel) reason_ = "the bias of shape " + to_string(tensor.shape()) + " is not one value a channel";
}

bool LinearNode::is_padded() const {
  if (!node_->is("Conv") && !node_->is("ConvTranspose")) return false;
  if (node_->is("ConvTranspose")) return true;  // its border sees fewer products
  const std::string automatic = node_->attr_or("auto_pad", "NOTSET");
  if (automatic == "VALID") return false;
  if (automatic == "NOTSET") return any_positive(node_->attr_or("pads", std::vector<int64_t>{}));
  return std::any_of(weight().shape().begin() + 2, weight().shape().end(), [](int64_t size) { return size != 1; });
}

template <class F>
void LinearNode::for_each_run(Tensor& tensor, F&& f) const {
  const DType dtype = tensor.dtype();
  if (dtype != DType::float32) tensor = tensor.cast(DType::float64);
  const Shape shape = tensor.shape();
  const auto rows = static_cast<size_t>(shape[0]), columns = static_cast<size_t>(shape.size() > 1 ? shape[1] : 1);
  const auto inner = static_cast<size_t>(shape.size() > 2 ? product(shape, 2, shape.size()) : 1);
  const size_t rows_a_group = rows / static_cast<size_t>(groups_);
  const bool by_row = shape.size() == 1 || node_->is("Conv") || (node_->is("Gemm") && node_->attr_or("transB", 0) != 0);
  const auto walk = [&](auto* element) {
    for (size_t row = 0; row < rows; ++row)
      for (size_t column = 0; column < columns; ++column, element += inner) {
        const size_t other = shape.size() == 1 ? row : row / rows_a_group * columns + column;
        f(by_row ? row : other, by_row ? other : row, element, element + inner);
      }
  };
  if (dtype == DType::float32) return walk(tensor.mutable_data<float>().data());
  walk(tensor.mutable_data<double>().data());
  tensor = tensor.cast(dtype);
}

/// Of each output channel, Gemm's beta included; zeros where there is none.
std::vector<double> LinearNode::bias() const {
  const auto channels = static_cast<size_t>(outputs_.count);
  if (bias_ < 0 || !node_->in(2)) return std::vector<double>(channels, 0);
  std::vector<double> values = to_doubles(*node_->in(2)->constant());
  if (values.size() == 1) values.assign(channels, values[0]);
  const double beta = node_->is("Gemm") ? node_->attr_or("beta", 1.f) : 1;
  for (double& value : values) value *= beta;
  return values;
}

void LinearNode::set_weight(Tensor tensor) const { set_constant(*node_, 1, std::move(tensor), node_->in(1)->name() + "_folded"); }

void LinearNode::set_bias(const std::vector<double>& values) const {
  const bool is_zero = std::all_of(values.begin(), values.end(), [](double value) { return value == 0; });
  if (is_zero && !node_->in(2)) return;
  set_constant(*node_, 2, from_doubles(weight().dtype(), {outputs_.count}, values), node_->in(1)->name() + "_bias");
}

void LinearNode::forget_factors() const {
  if (!node_->is("Gemm")) return;
  node_->remove_attribute("alpha");
  node_->remove_attribute("beta");
}

void LinearNode::scale_outputs(const ChannelAffine& affine) const {
  const double alpha = node_->is("Gemm") ? node_->attr_or("alpha", 1.f) : 1;
  Tensor scaled = weight();
  for_each_run(scaled, [&](size_t output, size_t, auto* begin, auto* end) {
    const double factor = alpha * affine.scale[output];
    for (auto* value = begin; value != end; ++value) *value = static_cast<std::remove_pointer_t<decltype(value)>>(factor * *value);
  });
  std::vector<double> shifted = bias();
  for (size_t c = 0; c < shifted.size(); ++c) shifted[c] = shifted[c] * affine.scale[c] + affine.shift[c];
  set_weight(std::move(scaled));
  if (has_bias_input()) set_bias(shifted);
  forget_factors();
}

std::vector<double> LinearNode::scale_inputs(const ChannelAffine& affine) const {
  const double alpha = node_->is("Gemm") ? node_->attr_or("alpha", 1.f) : 1;
  std::vector<double> added(static_cast<size_t>(outputs_.count), 0);
  Tensor scaled = weight();
  for_each_run(scaled, [&](size_t output, size_t input, auto* begin, auto* end) {
    const double factor = alpha * affine.scale[input], shift = alpha * affine.shift[input];
    for (auto* value = begin; value != end; ++value) {
      added[output] += shift * *value;
      *value = static_cast<std::remove_pointer_t<decltype(value)>>(factor * *value);
    }
  });
  std::vector<double> shifted = bias();
  for (size_t c = 0; c < shifted.size(); ++c) shifted[c] += added[c];
  set_weight(std::move(scaled));
  if (has_bias_input()) set_bias(shifted);
  forget_factors();
  return added;
}

}  // namespace qtool
