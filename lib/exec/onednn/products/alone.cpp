#include "exec/onednn/products/alone.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <unordered_map>

#include "exec/kernels/windows/window.h"
#include "exec/onednn/engine.h"
#include "exec/onednn/memory.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using lowerings::Window;
using lowerings::window_of;
using Clock = std::chrono::steady_clock;
using Arguments = std::unordered_map<int, memory>;

/// A primitive with memories of its own.
struct Bare {
  dnnl::primitive primitive;
  Arguments arguments;
};

memory filled(const memory::desc& desc) {
  memory made(desc, engine());
  std::mt19937 generator(0);
  auto* bytes = static_cast<uint8_t*>(made.get_data_handle());
  for (size_t i = 0; i < desc.get_size(); ++i) bytes[i] = static_cast<uint8_t>(generator() & 0x3f);  // as f32: small and finite
  return made;
}

DType data_dtype(bool int8) { return int8 ? DType::uint8 : DType::float32; }
memory::data_type weight_type(bool int8) { return int8 ? memory::data_type::s8 : memory::data_type::f32; }

/// Scales, zero points and ReLU as a quantized layer has them.
dnnl::primitive_attr attributes(bool int8, int channel_mask) {
  dnnl::primitive_attr attr;
  dnnl::post_ops post;
  post.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
  attr.set_post_ops(post);
  if (!int8) return attr;
  attr.set_scales_mask(DNNL_ARG_SRC, 0);
  attr.set_scales_mask(DNNL_ARG_WEIGHTS, channel_mask);
  attr.set_scales_mask(DNNL_ARG_DST, 0);
  attr.set_zero_points_mask(DNNL_ARG_SRC, 0);
  return attr;
}

void add_attributes(bool int8, int64_t channels, Arguments& arguments) {
  if (!int8) return;
  arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, constant_floats({0.5f}));
  arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, constant_floats(std::vector<float>(static_cast<size_t>(channels), 0.01f)));
  arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, constant_floats({0.5f}));
  arguments.emplace(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, constant_ints({120}));
}

template <class Forward>
Bare bare(const typename Forward::primitive_desc& desc, bool int8, int64_t channels) {
  Bare made{
      Forward(desc),
      {{DNNL_ARG_SRC, filled(desc.src_desc())}, {DNNL_ARG_WEIGHTS, filled(desc.weights_desc())}, {DNNL_ARG_DST, filled(desc.dst_desc())}}};
  add_attributes(int8, channels, made.arguments);
  return made;
}

Shape grouped(Shape weights, int64_t group, size_t out_axis) {
  if (group == 1) return weights;
  weights[out_axis] /= group;
  weights.insert(weights.begin(), group);
  return weights;
}

Bare bare_conv(const Node& node, std::span<const Shape> in, bool int8) {
  using Forward = dnnl::convolution_forward;
  const Shape &x = in[0], &w = in[1];
  const int64_t group = node.attr_or("group", int64_t{1});
  const Window window = window_of(node, x, {w.begin() + 2, w.end()});
  Shape y{x[0], w[0]};
  for (const int64_t d : window.output(x)) y.push_back(d);
  const memory::desc weights(grouped(w, group, 0), weight_type(int8), memory::format_tag::any);
  return bare<Forward>({engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                        desc_of(data_dtype(int8), x, Layout::channels_last), weights, desc_of(data_dtype(int8), y, Layout::channels_last),
                        window.strides, window.dilations_from_zero(), window.begin, window.end, attributes(int8, group > 1 ? 3 : 1)},
                       int8, w[0]);
}

Bare bare_conv_transpose(const Node& node, std::span<const Shape> in, bool int8) {
  using Forward = dnnl::deconvolution_forward;
  const Shape &x = in[0], &w = in[1];
  const int64_t group = node.attr_or("group", int64_t{1});
  const Shape kernel(w.begin() + 2, w.end());
  const Window window = window_of(node, x, kernel);
  Shape y{x[0], w[1] * group}, stored = w;
  for (size_t d = 0; d < kernel.size(); ++d)
    y.push_back((x[d + 2] - 1) * window.strides[d] + (kernel[d] - 1) * window.dilations[d] + 1 - window.begin[d] - window.end[d]);
  std::swap(stored[0], stored[1]);
  stored[0] *= group;
  const memory::desc weights(grouped(stored, group, 0), weight_type(int8), memory::format_tag::any);
  return bare<Forward>({engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct,
                        desc_of(data_dtype(int8), x, Layout::channels_last), weights, desc_of(data_dtype(int8), y, Layout::channels_last),
                        window.strides, window.dilations_from_zero(), window.begin, window.end, attributes(int8, group > 1 ? 3 : 1)},
                       int8, y[1]);
}

/// x [.., M, K] as one matrix where the weight [K, N] is one; else batched.
Bare bare_matmul(Shape x, Shape w, bool int8) {
  using Forward = dnnl::matmul;
  if (w.size() == 2) x = {element_count(x) / x.back(), x.back()};
  const size_t rank = std::max(x.size(), w.size());
  x.insert(x.begin(), rank - x.size(), 1), w.insert(w.begin(), rank - w.size(), 1);
  Shape y = x;
  for (size_t d = 0; d + 2 < rank; ++d) y[d] = std::max(x[d], w[d]);
  y.back() = w.back();
  const memory::desc weights(w, weight_type(int8), memory::format_tag::any);
  const bool channels = rank == 2;
  return bare<Forward>({engine(), desc_of(data_dtype(int8), x, Layout::plain), weights, desc_of(data_dtype(int8), y, Layout::plain),
                        attributes(int8, channels ? 2 : 0)},
                       int8, channels ? w.back() : 1);
}

Shape turned(Shape shape, bool turn) {
  if (turn) std::swap(shape[0], shape[1]);
  return shape;
}

Bare bare_product(const Node& node, std::span<const Shape> in, bool int8) {
  if (node.op == "Conv") return bare_conv(node, in, int8);
  if (node.op == "ConvTranspose") return bare_conv_transpose(node, in, int8);
  return bare_matmul(turned(in[0], node.attr_or("transA", 0) != 0), turned(in[1], node.attr_or("transB", 0) != 0), int8);
}

double median_us(const Bare& bare) {
  std::vector<double> times;
  const auto begin = Clock::now();
  while (times.size() < 15 || (times.size() < 500 && Clock::now() - begin < std::chrono::milliseconds(20))) {
    const auto start = Clock::now();
    bare.primitive.execute(stream(), bare.arguments);
    stream().wait();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace

std::optional<double> product_alone_us(const Node& node, std::span<const Shape> inputs, bool int8) {
  if (inputs.size() < 2 || inputs[0].size() < 2 || inputs[1].size() < 2) return std::nullopt;
  std::optional<double> us;
  implemented([&] { us = median_us(bare_product(node, inputs, int8)); });
  return us;
}

}  // namespace qtool::onednn
