// Resize of spatial dimensions by nearest neighbours: whole pixels are copied, floats or codes. Which pixel goes where is asked of the
// operator's own eval, on an image that holds the index of every pixel; so all coordinate modes are those of the reference.

#include <algorithm>
#include <cstring>
#include <mutex>

#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/products/operands.h"
#include "ops/op_def.h"

namespace qtool::lowerings {
namespace {

constexpr int64_t kLargestPlane = 1 << 24;  ///< pixels: indices must be exact floats
constexpr size_t kMaxMaps = 8;

/// For one size of the input plane: the output plane, and the source pixel of each of its pixels.
struct PixelMap {
  Shape in, out;
  std::vector<int32_t> source;
  std::vector<bool> repeats;  ///< of each output row: the same sources as the row before
};

PixelMap with_repeats(PixelMap map) {
  const auto row = static_cast<size_t>(map.out.back());
  for (size_t at = 0; row > 0 && at < map.source.size(); at += row) {
    const auto begin = map.source.begin() + static_cast<std::ptrdiff_t>(at), end = begin + static_cast<std::ptrdiff_t>(row);
    map.repeats.push_back(at > 0 && std::equal(begin, end, begin - static_cast<std::ptrdiff_t>(row)));
  }
  return map;
}

class Resize {
 public:
  Resize(const Node& node, const OpDef& op) : node_(node), op_(op) {}

  std::shared_ptr<const PixelMap> map_for(const Shape& shape) {
    const Shape plane(shape.begin() + 2, shape.end());
    std::lock_guard lock(mutex_);
    for (const auto& map : maps_)
      if (map->in == plane) return map;
    if (maps_.size() == kMaxMaps) maps_.erase(maps_.begin());
    maps_.push_back(std::make_shared<PixelMap>(make(shape, plane)));
    return maps_.back();
  }

 private:
  PixelMap make(const Shape& shape, const Shape& plane) const {
    const int64_t pixels = element_count(plane);
    if (pixels > kLargestPlane) throw CannotRun("a plane of more than 2^24 pixels");
    Shape one{1, 1};
    one.insert(one.end(), plane.begin(), plane.end());
    Tensor ramp(DType::float32, one);
    for (int64_t i = 0; i < pixels; ++i) ramp.mutable_data<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
    std::vector<Tensor> in{ramp}, out(1);
    for (size_t i = 1; i < node_.input_count(); ++i) in.push_back(node_.in(i) ? adapted(*node_.in(i)->constant(), i, shape) : Tensor());
    op_.eval(node_, in, out);
    const Shape& result = out[0].shape();
    if (result.size() != shape.size() || result[0] != 1 || result[1] != 1) throw CannotRun("batch or channels are resized");
    PixelMap map{plane, {result.begin() + 2, result.end()}, {}, {}};
    for (const float index : out[0].floats()) map.source.push_back(static_cast<int32_t>(index));
    return with_repeats(std::move(map));
  }

  /// Sizes (input 3) name the whole shape; batch and channels, if unchanged, are those of the one-pixel-deep image here.
  static Tensor adapted(const Tensor& input, size_t i, const Shape& shape) {
    if (i != 3 || input.size() != static_cast<int64_t>(shape.size())) return input;
    std::vector<int64_t> sizes = input.to_ints();
    if (sizes[0] != shape[0] || sizes[1] != shape[1]) throw CannotRun("batch or channels are resized");
    sizes[0] = sizes[1] = 1;
    return Tensor::of<int64_t>({input.size()}, sizes);
  }

  const Node& node_;
  const OpDef& op_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const PixelMap>> maps_;
};

void copy_pixels(const PixelMap& map, const std::byte* from, std::byte* to, size_t pixel) {
  const auto row = static_cast<size_t>(map.out.back());
  for (size_t r = 0; r < map.repeats.size(); ++r, to += row * pixel) {
    if (map.repeats[r]) {
      std::memcpy(to, to - row * pixel, row * pixel);
      continue;
    }
    const int32_t* source = map.source.data() + r * row;
    for (size_t x = 0; x < row; ++x) std::memcpy(to + x * pixel, from + static_cast<size_t>(source[x]) * pixel, pixel);
  }
}

}  // namespace

LowerResult lower_resize(const Model& model, const Cluster& cluster) {
  const Node& node = *cluster.root;
  const OpDef* op = find_op(model, node);
  const Operand &x = cluster.inputs[0], &y = cluster.outputs[0];
  if (!op || !op->eval || x.constant() || node.attr_or("mode", "nearest") != "nearest") return Declined{"not by nearest neighbours"};
  if (node.attr_or("coordinate_transformation_mode", "") == "tf_crop_and_resize") return Declined{"parts from outside the image"};
  if (x.quantized() != y.quantized() || (x.quantized() && (!per_tensor_8bit(x) || *x.params != *y.params)))
    return Declined{"parameters change"};
  for (size_t i = 1; i < node.input_count(); ++i)
    if (node.in(i) && !node.in(i)->constant()) return Declined{"scales or sizes are no constants"};
  auto resize = std::make_shared<Resize>(node, *op);
  return make_lowered(LayoutRule::channels_last, "resize_nearest", [resize](StepInputs in, std::span<Array> out, StepContext& context) {
    const Tensor& from = in[0]->tensor;
    if (from.rank() < 3 || from.size() == 0 || element_size(from.dtype()) == 0) throw CannotRun("not an image");
    const auto map = resize->map_for(from.shape());
    Shape shape{from.shape()[0], from.shape()[1]};
    shape.insert(shape.end(), map->out.begin(), map->out.end());
    out[0] = {context.pool.tensor(from.dtype(), shape), Layout::channels_last};
    const size_t pixel = static_cast<size_t>(shape[1]) * element_size(from.dtype());
    const size_t in_bytes = static_cast<size_t>(element_count(map->in)) * pixel, out_bytes = map->source.size() * pixel;
    for (int64_t n = 0; n < shape[0] && out_bytes > 0; ++n)
      copy_pixels(*map, from.bytes() + static_cast<size_t>(n) * in_bytes,
                  out[0].tensor.mutable_bytes() + static_cast<size_t>(n) * out_bytes, pixel);
  });
}

}  // namespace qtool::lowerings
