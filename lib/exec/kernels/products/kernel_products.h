#pragma once
// Products on our own kernels: of floats, and of codes on a kernel that the engine chooses.

#include "exec/kernels/function_step.h"
#include "exec/kernels/products/code_side.h"

namespace qtool::lowerings {

LowerResult lower_kernel_conv(const Model& model, const Cluster& cluster, const CodeKernel& kernel);
LowerResult lower_kernel_conv_transpose(const Model& model, const Cluster& cluster, const CodeKernel& kernel);
LowerResult lower_kernel_matmul(const Model& model, const Cluster& cluster, const CodeKernel& kernel);
LowerResult lower_kernel_gemm(const Model& model, const Cluster& cluster, const CodeKernel& kernel);
LowerResult lower_kernel_dynamic_matmul(const Model& model, const Cluster& cluster, const CodeKernel& kernel);

}  // namespace qtool::lowerings
