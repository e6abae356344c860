#pragma once

namespace qtool {

/// Domain of the local functions that are fused groups, and of those that are observers.
inline constexpr const char* kFusedDomain = "qtool.fused";
inline constexpr const char* kObserverDomain = "qtool.observer";

}  // namespace qtool
