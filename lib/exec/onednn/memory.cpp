#include "exec/onednn/memory.h"

#include <algorithm>
#include <cstring>

#include "exec/onednn/engine.h"

namespace qtool::onednn {

using dnnl::memory;

memory::data_type data_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return memory::data_type::f32;
    case DType::uint8:
      return memory::data_type::u8;
    case DType::int8:
      return memory::data_type::s8;
    case DType::int32:
      return memory::data_type::s32;
    default:
      throw unsupported("oneDNN takes no tensors of type " + std::string(name_of(dtype)));
  }
}

memory::desc desc_of(DType dtype, const Shape& shape, Layout layout) {
  if (shape.empty()) return memory::desc({1}, data_type(dtype), memory::dims{1});
  memory::dims strides = strides_of(shape);
  if (layout == Layout::channels_last && shape.size() > 2) {
    strides[1] = 1;
    int64_t step = shape[1];
    for (size_t d = shape.size(); d-- > 2;) {
      strides[d] = step;
      step *= shape[d];
    }
    strides[0] = step;
  }
  return memory::desc(shape, data_type(dtype), strides);
}

memory constant_floats(const std::vector<float>& values) {
  memory result({{static_cast<int64_t>(values.size())}, memory::data_type::f32, memory::dims{1}}, engine());
  std::memcpy(result.get_data_handle(), values.data(), values.size() * sizeof(float));
  return result;
}

memory constant_ints(const std::vector<int32_t>& values) {
  memory result({{static_cast<int64_t>(values.size())}, memory::data_type::s32, memory::dims{1}}, engine());
  std::memcpy(result.get_data_handle(), values.data(), values.size() * sizeof(int32_t));
  return result;
}

memory packed(const Tensor& tensor, const memory::desc& from, const memory::desc& to) {
  memory source(from, engine(), const_cast<std::byte*>(tensor.bytes()));
  memory result(to, engine());
  dnnl::reorder(source, result).execute(stream(), source, result);
  stream().wait();
  return result;
}

}  // namespace qtool::onednn
