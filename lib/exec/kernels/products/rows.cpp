#include "exec/kernels/products/rows.h"

#include "exec/kernels/parallel.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

RowCodes::RowCodes(const Tensor& x, bool flips, StepContext& context) : data_(reinterpret_cast<const int8_t*>(x.bytes())) {
  if (!flips) return;
  flipped_ = context.pool.take(x.byte_size());
  auto* to = reinterpret_cast<uint8_t*>(flipped_->mutable_data());
  const auto* from = reinterpret_cast<const uint8_t*>(x.bytes());
  in_parts(context.threads, x.size(), 2 * x.size(), [&](int64_t first, int64_t last) {
    kernels::best<kernels::Flip>().run({from + first, to + first, static_cast<size_t>(last - first)});
  });
  data_ = reinterpret_cast<const int8_t*>(to);
}

}  // namespace qtool::lowerings
