// The loop of dequantize, compiled once an instruction set.
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <class Code>
void dequantize_all(const DequantizeArgs& args) {
  const auto* in = reinterpret_cast<const Code*>(args.in);
  float* __restrict out = args.out;
  const float scale = args.scale;
  const int32_t zero_point = args.zero_point;
  for (size_t i = 0; i < args.n; ++i) out[i] = static_cast<float>(static_cast<int32_t>(in[i]) - zero_point) * scale;
}

void dequantize_any(const DequantizeArgs& args) { args.is_signed ? dequantize_all<int8_t>(args) : dequantize_all<uint8_t>(args); }

}  // namespace
}  // namespace qtool::kernels
