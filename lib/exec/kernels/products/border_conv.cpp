#include "exec/kernels/products/border_conv.h"

#include <algorithm>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/borders.h"
#include "exec/kernels/products/conv_weights.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

constexpr size_t kPixelsAtOnce = 24;  ///< of one call: a multiple of every tile
constexpr size_t kPanelsAtOnce = 4;   ///< as a tile has

/// Sums of weights by columns and places of the window.
class PlaceSums {
 public:
  /// `weights`: [columns, places, depth], s8.
  PlaceSums(const Tensor& weights, size_t columns, size_t places, size_t depth) : places_(places), sums_(columns * places) {
    kernels::best<kernels::RowSums>().run({weights.data<int8_t>().data(), depth, columns * places, depth, 1, sums_.data()});
  }

  /// What a kernel starts with that meets only a part of the window, of `width` columns: minus zero times the part's sums.
  std::vector<int32_t> start(const kernels::GemmPart& part, size_t depth, size_t width, int32_t zero, size_t padded_columns) const {
    std::vector<int32_t> start(padded_columns, 0);
    const size_t first = part.first_k / depth, last = first + part.depth / depth;
    for (size_t n = 0; n < sums_.size() / places_; ++n)
      for (size_t t = part.first_tap; t < part.first_tap + part.taps; ++t)
        for (size_t x = first; x < last; ++x) start[n] -= zero * sums_[n * places_ + t * width + x];
    return start;
  }

 private:
  const size_t places_;
  std::vector<int32_t> sums_;
};

/// A call of the kernel: some pixels of a class.
struct Piece {
  size_t of_class, first, count;
  int64_t before;  ///< multiplications a column of all pieces in front of it
};

struct Shaped {
  Shape out;
  Geometry geometry;
  std::vector<PixelClass> classes;
  std::vector<std::vector<int32_t>> starts;  ///< of the classes
  std::vector<Piece> pieces;                 ///< of one image
  int64_t cost = 0;                          ///< of one image, as Piece::before
};

void cut(Shaped& shaped) {
  for (size_t c = 0; c < shaped.classes.size(); ++c) {
    const PixelClass& pixels = shaped.classes[c];
    for (size_t first = 0; first < pixels.pixels(); first += kPixelsAtOnce) {
      const size_t count = std::min(kPixelsAtOnce, pixels.pixels() - first);
      shaped.pieces.push_back({c, first, count, shaped.cost});
      shaped.cost += static_cast<int64_t>(count * std::max<size_t>(1, pixels.part.taps * pixels.part.depth));
    }
  }
}

class BorderConv : public Step, public TakesTable {
 public:
  BorderConv(const Node& node, CodeSide side) : node_(node), side_(std::move(side)) {
    const Shape shape = side_.weights().shape();
    columns_ = shape[0], channels_ = shape[1];
    kernel_.assign(shape.begin() + 2, shape.end());
    const auto depth = static_cast<size_t>(kernel_.back() * channels_), taps = static_cast<size_t>(element_count(kernel_) / kernel_.back());
    side_.set_weights(by_taps(side_.weights(), kernel_.back(), static_cast<int64_t>(depth)));
    sums_.emplace(side_.weights(), static_cast<size_t>(columns_), static_cast<size_t>(element_count(kernel_)),
                  static_cast<size_t>(channels_));
    WeightView view{0, {}, depth, 1, static_cast<size_t>(columns_), taps * depth};
    for (size_t t = 0; t < taps; ++t) view.taps.push_back(t * depth);
    side_.add(view, 0);
    side_.finish();
  }

  bool take(const Table& table, DType to) override { return side_.take(table, to); }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], side_.in_dtype());
    const auto shaped = shaped_.get(x.shape(), [&](const Shape& in) { return shape(in); });
    outputs[0] = {context.pool.tensor(side_.out_dtype(), shaped->out), Layout::channels_last};
    if (outputs[0].tensor.size() == 0) return;
    const CodeRows rows(x, side_.flips(), context);
    multiply(*shaped, rows.data(), other_of(side_.residual(), inputs, shaped->out), outputs[0].tensor.mutable_bytes(), context.threads);
  }

  std::string kernel() const override { return side_.kernel(); }

 private:
  Shaped shape(const Shape& in) const {
    if (in.size() != kernel_.size() + 2 || in[1] != channels_) throw CannotRun("another rank or number of channels");
    const Window window = window_of(node_, in, kernel_);
    const Shape spatial = window.output(in);
    Shaped shaped{{in[0], columns_}, Geometry(window, in, spatial), {}, {}, {}};
    shaped.out.insert(shaped.out.end(), spatial.begin(), spatial.end());
    shaped.classes = pixel_classes(shaped.geometry, columns_);
    for (const PixelClass& pixels : shaped.classes)
      shaped.starts.push_back(sums_->start(pixels.part, static_cast<size_t>(channels_), static_cast<size_t>(kernel_.back()), side_.zero(),
                                           side_.packing().padded_n()));
    cut(shaped);
    return shaped;
  }

  /// Images one after the other, of each a few columns of all pieces after the other: weights are read once. Threads share out what that
  /// costs, in this order.
  void multiply(const Shaped& shaped, const int8_t* x, const uint8_t* other, std::byte* out, int threads) const {
    const int64_t in = shaped.geometry.in_pixels() * channels_, each = shaped.geometry.out_pixels() * columns_;
    const size_t panels = side_.packing().panels(), blocks = (panels + kPanelsAtOnce - 1) / kPanelsAtOnce;
    const int64_t turns = shaped.geometry.batch * static_cast<int64_t>(blocks), all = turns * shaped.cost;
    in_parts(threads, all, shaped.geometry.batch * shaped.cost / 16 * columns_, [&](int64_t begin, int64_t end) {
      for (int64_t turn = begin / shaped.cost; turn * shaped.cost < end; ++turn) {
        const int64_t n = turn / static_cast<int64_t>(blocks), before = turn * shaped.cost;
        const size_t block = static_cast<size_t>(turn) % blocks;
        for (const Piece& piece : shaped.pieces) {
          if (before + piece.before < begin || before + piece.before >= end) continue;
          CodeSide::Args args = arguments(shaped, piece);
          args.a = x + n * in;
          set_out(args, out, n * each);
          if (other) set_second(args, other + n * each, 0);
          side_.run(args, panels * block / blocks, panels * (block + 1) / blocks);
        }
      }
    });
  }

  CodeSide::Args arguments(const Shaped& shaped, const Piece& piece) const {
    const PixelClass& pixels = shaped.classes[piece.of_class];
    CodeSide::Args args = side_.arguments(0);
    args.m = piece.count;
    args.offsets = pixels.offsets.data() + piece.first, args.offsets_step = pixels.pixels();
    args.part = pixels.part, args.start = shaped.starts[piece.of_class].data();
    args.places = pixels.places.data() + piece.first;
    return args;
  }

  const Node& node_;
  CodeSide side_;
  std::optional<PlaceSums> sums_;
  int64_t channels_ = 0, columns_ = 0;
  Shape kernel_;
  ByShape<Shaped> shaped_;
};

}  // namespace

bool leaves_out_padding(const Node& node, const CodeSide& side) {
  const Shape& weights = side.weights().shape();
  const Shape kernel(weights.begin() + 2, weights.end());
  const Shape dilations = node.attr_or("dilations", Shape(kernel.size(), 1)), pads = node.attr_or("pads", Shape(2 * kernel.size(), 0));
  return side.takes_parts() && kernel.size() <= 2 && element_count(kernel) > 1 && node.attr_or("group", int64_t{1}) == 1 &&
         dilations.back() == 1 && static_cast<size_t>(weights[1]) == side.padded_depth(static_cast<size_t>(weights[1])) &&
         std::all_of(pads.begin(), pads.end(), [](int64_t n) { return n >= 0; });
}

std::unique_ptr<Step> border_conv(const Node& node, CodeSide side) { return std::make_unique<BorderConv>(node, std::move(side)); }

}  // namespace qtool::lowerings
