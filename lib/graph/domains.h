#pragma once

namespace qtool {

/// Domain of the local functions that are fused groups, and of those that are observers.
inline constexpr const char* kFusedDomain = "qtool.fused";
inline constexpr const char* kObserverDomain = "qtool.observer";
/// Operators of ONNX on packed weights, in executable copies alone.
inline constexpr const char* kPackedDomain = "qtool.packed";

}  // namespace qtool
