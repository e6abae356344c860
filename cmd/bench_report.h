#pragma once
// What `bench` says of its measurements.

#include <string>
#include <vector>

#include "command.h"
#include "exec/plan.h"

namespace qtool::cmd {

struct Latency {
  double min_us, median_us, p95_us;
  size_t runs;
};
Latency summarize(std::vector<double> times);
void add_latency(Json& json, const Latency& latency);
std::string in_words(const Latency& latency);

/// The table by node, the int8 share of the MACs, and the distance to the roofline of this machine.
void report_profile(const std::vector<StepProfile>& steps, Session& session);

/// Every product of the profile timed alone as one primitive of the engine's library, and the sum.
void report_primitives(const std::vector<StepProfile>& steps, const std::string& engine, Session& session);

}  // namespace qtool::cmd
