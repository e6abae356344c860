#pragma once
// Attributes of nodes, and what is kept of a message without being understood.

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tensor/tensor.h"

namespace qtool {

class Graph;

/// A protobuf message minus the fields we hold ourselves, serialized. onnxio alone reads it: saving parses it and writes
/// our fields over it, so doc strings and fields of newer ONNX versions survive. Null for what was made here.
using Sealed = std::shared_ptr<const std::string>;

/// How a tensor's elements lay in its TensorProto; saving writes them back the same way.
enum class TensorStorage { raw, typed, external };

/// A tensor together with the message it came from.
struct SealedTensor {
  Tensor tensor;
  Sealed sealed;  ///< TensorProto without its elements
  TensorStorage storage = TensorStorage::raw;
};

/// monostate: a kind we do not hold (sparse tensor, type proto, newer kinds); it lives in `sealed` alone.
using AttributeValue = std::variant<std::monostate, int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                                    std::vector<std::string>, SealedTensor, std::shared_ptr<Graph>, std::vector<std::shared_ptr<Graph>>>;

struct Attribute {
  std::string name;
  AttributeValue value;
  std::string reference;  ///< in a function body: the name of the function's attribute this one stands for; else empty
  Sealed sealed;          ///< AttributeProto without name and value
};

}  // namespace qtool
