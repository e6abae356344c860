#include "exec/kernels/products/winograd.h"

#include <algorithm>
#include <atomic>

#include "exec/kernels/parallel.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

using kernels::kWinogradTile, kernels::kWinogradTogether;

size_t up(size_t n, size_t to) { return (n + to - 1) / to; }

bool is_3x3(const Node& conv, const Shape& weights) {
  const Shape ones(2, 1);
  return weights.size() == 4 && weights[2] == 3 && weights[3] == 3 && conv.attr_or("group", int64_t{1}) == 1 &&
         conv.attr_or("strides", ones) == ones && conv.attr_or("dilations", ones) == ones;
}

size_t tiles_of(const Geometry& g) {
  return up(static_cast<size_t>(g.out[1]), kWinogradTile) * up(static_cast<size_t>(g.out[2]), kWinogradTile);
}

/// How the work is cut: `kWinogradTogether` tiles of one image and a part of the panels a call.
struct Parts {
  Parts(const Geometry& g, size_t panels_in_all, size_t threads) : tiles(tiles_of(g)), panels(panels_in_all) {
    chunks = up(tiles, kWinogradTogether);
    count = static_cast<size_t>(g.batch) * chunks;
    if (count < threads) columns = std::min(threads, panels);
    count *= columns;
  }
  size_t image(size_t part) const { return part / columns / chunks; }
  size_t first_tile(size_t part) const { return part / columns % chunks * kWinogradTogether; }
  size_t first_panel(size_t part) const { return panels * (part % columns) / columns; }
  size_t last_panel(size_t part) const { return panels * (part % columns + 1) / columns; }

  size_t tiles, panels, chunks, count, columns = 1;
};

/// What all calls share.
kernels::WinogradArgs arguments(const kernels::GemmArgs& product, const kernels::WinogradPacking& packing, const Geometry& g) {
  kernels::WinogradArgs args{};
  args.product = product;
  args.product.packing = {packing.n, 1, packing.depth, product.packing.tile}, args.product.out_stride = packing.n;
  args.h = static_cast<size_t>(g.out[1]), args.w = static_cast<size_t>(g.out[2]), args.pixel_stride = packing.depth;
  args.row_stride = static_cast<size_t>(g.padded() ? g.extent[2] : g.in[2]) * packing.depth;
  return args;
}

}  // namespace

std::optional<WinogradSide> WinogradSide::of(const Node& conv, const CodeSide& side) {
  const Shape shape = side.weights().shape();
  const auto best = kernels::best<kernels::Winograd>().isa;
  if (best == kernels::Isa::scalar || side.isa() != best || !is_3x3(conv, shape)) return std::nullopt;
  const kernels::WinogradPacking packing{static_cast<size_t>(shape[0]), static_cast<size_t>(shape[1])};
  const int8_t* weights = side.weights().data<int8_t>().data();
  if (!kernels::winograd_fits(weights, packing.n, packing.depth)) return std::nullopt;
  WinogradSide winograd(packing);
  kernels::pack_winograd(weights, packing, winograd.weights_.data());
  return winograd;
}

bool WinogradSide::pays(const Geometry& g) const {
  const size_t tiles = tiles_of(g), pixels = static_cast<size_t>(g.out_pixels()), units = packing_.padded_depth() / 8,
               eights = up(packing_.n, 8);
  // Counted instructions, see docs/arm.md: products of 4 tiles, 8 of depth and 16 columns; transforms of a tile's 8 channels and columns.
  const size_t products = 36 * up(tiles, 4) * packing_.panels() * (140 * units + 22);
  const size_t transforms = tiles * (60 + 420 * units + 770 * eights);
  const size_t direct = pixels * eights * (127 * units + 80);
  return products + transforms < direct;
}

void WinogradSide::run(const kernels::GemmArgs& args, const int8_t* image, const Geometry& g, std::byte* out, StepContext& context) const {
  const auto threads = static_cast<size_t>(std::max(1, context.threads));
  const Parts parts(g, packing_.panels(), threads);
  const size_t bytes = kernels::winograd_workspace(packing_.depth);
  const auto workspaces = context.pool.take(bytes * threads);
  std::byte* const workspace = workspaces->mutable_data();
  std::atomic<size_t> bodies{0};
  const auto macs = g.batch * g.out_pixels() * static_cast<int64_t>(9 * packing_.n * packing_.depth);
  in_parts(context.threads, static_cast<int64_t>(parts.count), macs / 16, [&](int64_t begin, int64_t end) {
    kernels::WinogradArgs part = arguments(args, packing_, g);
    part.workspace = workspace + bytes * bodies++;
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      part.first = parts.first_tile(i), part.tiles = std::min(kWinogradTogether, parts.tiles - part.first);
      part.product.a = image + parts.image(i) * static_cast<size_t>(g.extent_pixels()) * packing_.depth;
      set_out(part.product, out, static_cast<int64_t>(parts.image(i) * packing_.n) * g.out_pixels());
      run_panels(part, parts.first_panel(i), parts.last_panel(i));
    }
  });
}

void WinogradSide::run_panels(kernels::WinogradArgs args, size_t first, size_t last) const {
  const size_t column = first * kernels::WinogradPacking::kPanel;
  kernels::GemmArgs& product = args.product;
  args.weights = weights_.data() + first * packing_.panel_size();
  product.packing.n = std::min(packing_.n, last * kernels::WinogradPacking::kPanel) - column;
  product.start += column, product.scale += column, product.shift += column;
  set_out(product, static_cast<std::byte*>(product.out), static_cast<int64_t>(column));
  kernels::best<kernels::Winograd>().run(args);
}

}  // namespace qtool::lowerings
