#pragma once

namespace qtool {

/// Domains of the local functions that are fused groups, observers, and regions the user wrapped.
inline constexpr const char* kFusedDomain = "qtool.fused";
inline constexpr const char* kObserverDomain = "qtool.observer";
inline constexpr const char* kWrappedDomain = "qtool.wrapped";
/// Operators of ONNX on packed weights, in executable copies alone.
inline constexpr const char* kPackedDomain = "qtool.packed";

}  // namespace qtool
