#pragma once
#include "debug/measure.h"
#include "debug/report.h"

namespace qtool::debug {

/// The report's nodes from what was measured: losses, parameters, ranges, histograms, weights. No causes, no ranks.
std::vector<NodeReport> assemble(const Network& network, const Measures& measures);

/// Worst first: nodes chosen together in that order, nodes with leave-one-out by gain, then the others by isolated noise (the weights'
/// where nothing else is known).
void rank(std::vector<NodeReport>& nodes);

}  // namespace qtool::debug
