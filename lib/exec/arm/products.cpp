// Products of this engine: codes on the kernel for rows of s8.

#include "exec/kernels/products/kernel_products.h"

#include "exec/arm/lowerings.h"

namespace qtool::arm {

LowerResult lower_conv(const Model& model, const Cluster& cluster) { return lower_kernel_conv(model, cluster, signed_kernel()); }
LowerResult lower_conv_transpose(const Model& model, const Cluster& cluster) {
  return lower_kernel_conv_transpose(model, cluster, signed_kernel());
}
LowerResult lower_gemm(const Model& model, const Cluster& cluster) { return lower_kernel_gemm(model, cluster, signed_kernel()); }
LowerResult lower_matmul(const Model& model, const Cluster& cluster) { return lower_kernel_matmul(model, cluster, signed_kernel()); }
LowerResult lower_dynamic_matmul(const Model& model, const Cluster& cluster) {
  return lower_kernel_dynamic_matmul(model, cluster, signed_kernel());
}

}  // namespace qtool::arm
