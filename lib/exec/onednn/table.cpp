#include "exec/onednn/table.h"

#include <cstring>

#include "exec/onednn/function_step.h"
#include "kernels/registry.h"

namespace qtool::onednn {

Table table_of(const QuantParams& in, const QuantParams& out, const std::function<Tensor(const Tensor&)>& f) {
  Tensor codes(in.dtype, {256});
  for (size_t i = 0; i < 256; ++i) codes.mutable_bytes()[i] = static_cast<std::byte>(i);
  const Tensor result = quantize(f(dequantize(codes, in)), out, full_range(out.dtype));
  Table table;
  std::memcpy(table.data(), result.bytes(), table.size());
  return table;
}

Lowered lower_table(const QuantParams& in, const QuantParams& out, const std::function<Tensor(const Tensor&)>& f) {
  return lower_table(table_of(in, out, f), in.dtype, out.dtype);
}

Lowered lower_table(const Table& table, DType from, DType to) {
  const auto& kernel = kernels::best<kernels::Lookup>();
  return make_lowered(
      LayoutRule::same, std::string(kernel.name),
      [&kernel, table, from, to](StepInputs inputs, std::span<Array> outputs, StepContext& context) {
        expect_type(*inputs[0], from);
        outputs[0] = {context.pool.tensor(to, inputs[0]->tensor.shape()), inputs[0]->layout};
        kernel.run({codes_in(*inputs[0]), codes_out(outputs[0]), static_cast<size_t>(inputs[0]->tensor.size()), table.data()});
      });
}

}  // namespace qtool::onednn
