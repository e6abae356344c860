#pragma once
// A Step that is a function: for operators run by our own kernels.

#include <functional>
#include <memory>
#include <string>

#include "exec/lowering.h"

namespace qtool::lowerings {

using StepInputs = std::span<const Array* const>;
using StepFunction = std::function<void(StepInputs, std::span<Array>, StepContext&)>;

inline Lowered make_lowered(LayoutRule rule, std::string kernel, StepFunction function) {
  class FunctionStep : public Step {
   public:
    FunctionStep(std::string kernel, StepFunction function) : kernel_(std::move(kernel)), function_(std::move(function)) {}
    void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override { function_(inputs, outputs, context); }
    std::string kernel() const override { return kernel_; }

   private:
    const std::string kernel_;
    const StepFunction function_;
  };
  return {std::make_unique<FunctionStep>(std::move(kernel), std::move(function)), rule};
}

/// Throws CannotRun unless the tensor holds `dtype`.
inline void expect_type(const Array& array, DType dtype) {
  if (array.tensor.dtype() != dtype)
    throw CannotRun("expected " + std::string(name_of(dtype)) + ", found " + std::string(name_of(array.tensor.dtype())));
}

inline const uint8_t* codes_in(const Array& array) { return reinterpret_cast<const uint8_t*>(array.tensor.bytes()); }
inline uint8_t* codes_out(Array& array) { return reinterpret_cast<uint8_t*>(array.tensor.mutable_bytes()); }
inline const float* floats_in(const Array& array) { return reinterpret_cast<const float*>(array.tensor.bytes()); }
inline float* floats_out(Array& array) { return reinterpret_cast<float*>(array.tensor.mutable_bytes()); }

}  // namespace qtool::lowerings
