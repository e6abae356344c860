#pragma once
#include "debug/measure.h"
#include "debug/report.h"
#include "debug/sample_pass.h"

namespace qtool::debug {

/// Sets `leave_one_out` of the `count` nodes that cost most by isolated loss.
void leave_one_out(const Network& network, SamplePass& samples, size_t count, size_t sample_count, Report& report);

/// Of the nodes measured by leave_one_out chooses the kMostProposed that take most away together, one after the other: where the int8 model
/// is far off, what one node takes away alone says little. Sets `together`; ends where the next would take away less than 1 %.
/// `wide`: each round looks at all of them on a third of the samples first, instead of at those that looked best in the first round.
void choose_together(const Network& network, SamplePass& samples, size_t sample_count, bool wide, Report& report);

/// Chooses what to change: the fewest of the kMostProposed worst nodes that take away nearly as much of the error as all of them. Each
/// gets the range rule its causes name where that alone gives most of what float would, else float. Then measures all of it together.
/// Without `choose` what is flagged in the report already is measured.
void propose(const Network& network, const Measures& measures, SamplePass& samples, size_t sample_count, bool choose, Report& report);
inline constexpr size_t kMostProposed = 5;

}  // namespace qtool::debug
