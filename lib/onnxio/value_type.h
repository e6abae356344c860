#pragma once
// TypeProto <-> ValueType. Sequences, maps, optionals and sparse tensors have no ValueType: they stay in the message.

#include "graph/value.h"
#include "onnxio/proto.h"

namespace qtool::onnxio {

/// Tensor types; nothing known ({}) for any other.
ValueType type_of(const onnx::TypeProto& type);

/// Whether a declared type may stay although `held` is what we know: they do not contradict each other. Either may know more.
bool agrees(const onnx::TypeProto& declared, const ValueType& held);

/// Makes `type` say `held`, keeping denotations.
void write_type(onnx::TypeProto& type, const ValueType& held);

/// A ValueInfoProto as it was sealed, with name and, where it contradicts, type of the value. `exact`: where it differs at all.
onnx::ValueInfoProto value_info(const Sealed& sealed, const Value& value, bool exact);

}  // namespace qtool::onnxio
