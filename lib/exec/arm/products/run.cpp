#include "exec/arm/products/run.h"

#include <algorithm>

#include "exec/kernels/parallel.h"

namespace qtool::arm {

void run_panels(kernels::GemmArgs args, size_t first, size_t last) {
  const size_t column = first * args.packing.tile.nr, end = std::min(args.packing.n, last * args.packing.tile.nr);
  const size_t width = args.form == kernels::GemmForm::codes ? 1 : 4;
  args.b += first * args.packing.panel_size();
  args.packing.n = end - column;
  args.start += column;
  if (args.scale) args.scale += column;
  if (args.shift) args.shift += column;
  args.out = static_cast<uint8_t*>(args.out) + column * width;
  kernels::best<kernels::Gemm>().run(args);
}

void run_panels(kernels::FloatGemmArgs args, size_t first, size_t last) {
  const size_t column = first * kernels::FloatGemmPacking::kColumns;
  args.b += first * args.packing.panel_size();
  args.packing.n = std::min(args.packing.n, last * kernels::FloatGemmPacking::kColumns) - column;
  args.start += column;
  args.out += column;
  kernels::best<kernels::FloatGemm>().run(args);
}

void share_out(int threads, int64_t blocks, size_t panels, int64_t macs, const std::function<void(int64_t, size_t, size_t)>& body) {
  const auto columns = blocks < threads ? std::min(static_cast<int64_t>(panels), int64_t{threads}) : int64_t{1};
  lowerings::in_parts(threads, blocks * columns, macs / 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto part = static_cast<size_t>(i % columns), parts = static_cast<size_t>(columns);
      body(i / columns, panels * part / parts, panels * (part + 1) / parts);
    }
  });
}

}  // namespace qtool::arm
