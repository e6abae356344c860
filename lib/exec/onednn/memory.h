#pragma once
// Between our tensors and oneDNN's memory.

#include <dnnl.hpp>
#include <vector>

#include "exec/lowering.h"
#include "tensor/tensor.h"

namespace qtool::onednn {

dnnl::memory::data_type data_type(DType dtype);

/// Dense memory of `shape`; channels_last matters from rank 3 on.
dnnl::memory::desc desc_of(DType dtype, const Shape& shape, Layout layout);

/// A vector of floats (or one number) as oneDNN wants scales and biases; oneDNN's memory owns a copy.
dnnl::memory constant_floats(const std::vector<float>& values);
dnnl::memory constant_ints(const std::vector<int32_t>& values);

/// A copy of a plain tensor's bytes in the layout of `to`.
dnnl::memory packed(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// The writable bytes of a tensor fresh from a pool (the pool shares the buffer, so mutable_bytes() would copy it).
inline std::byte* fresh_bytes(const Tensor& tensor) { return const_cast<std::byte*>(tensor.bytes()); }

}  // namespace qtool::onednn
