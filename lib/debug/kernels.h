#pragma once
#include "debug/report.h"
#include "debug/sample_pass.h"

namespace qtool::debug {

/// The int8 engine against the reference on the first usable sample, cluster by cluster (exec/agreement.h), into the nodes they belong to.
void compare_kernels(const Model& int8, SamplePass& samples, Report& report);

}  // namespace qtool::debug
