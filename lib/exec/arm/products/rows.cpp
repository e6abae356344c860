#include "exec/arm/products/rows.h"

#include <algorithm>

#include "exec/arm/products/run.h"
#include "exec/kernels/parallel.h"

namespace qtool::arm {

SignedCodes::SignedCodes(const Tensor& x, StepContext& context) : data_(reinterpret_cast<const int8_t*>(x.bytes())) {
  if (x.dtype() == DType::int8) return;
  flipped_ = context.pool.take(x.byte_size());
  auto* to = reinterpret_cast<uint8_t*>(flipped_->mutable_data());
  const auto* from = reinterpret_cast<const uint8_t*>(x.bytes());
  lowerings::in_parts(context.threads, x.size(), 2 * x.size(), [&](int64_t first, int64_t last) {
    kernels::best<kernels::Flip>().run({from + first, to + first, static_cast<size_t>(last - first)});
  });
  data_ = reinterpret_cast<const int8_t*>(to);
}

void run_rows(const kernels::GemmArgs& args, int threads) {
  const auto rows = static_cast<int64_t>(args.m), blocks = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  const auto macs = rows * static_cast<int64_t>(args.packing.n * args.packing.taps * args.packing.depth);
  const size_t width = args.form == kernels::GemmForm::codes ? 1 : 4;
  share_out(threads, blocks, args.packing.panels(), macs, [&](int64_t block, size_t first, size_t last) {
    kernels::GemmArgs part = args;
    const auto row = static_cast<size_t>(block * kRowsAtOnce);
    part.m = std::min(static_cast<size_t>(kRowsAtOnce), args.m - row);
    part.a += row * args.a_stride;
    if (part.row_start) part.row_start += row;
    part.out = static_cast<uint8_t*>(args.out) + row * args.out_stride * width;
    run_panels(part, first, last);
  });
}

}  // namespace qtool::arm
