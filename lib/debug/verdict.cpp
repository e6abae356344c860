#include <cstdio>

#include "debug/report.h"

namespace qtool::debug {
namespace {

std::string share(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.0f %%", 100 * value);
  return text;
}

std::string network(const Report& report) {
  char text[160];
  std::snprintf(text, sizeof(text), "int8 is %.1f dB from float over %zu samples (cosine %.4f, same top element in %s)",
                report.network.sqnr_db, report.samples.size(), report.network.cosine, share(report.same_top).c_str());
  return text;
}

}  // namespace

std::string verdict_of(const Report& report) {
  if (report.network.max_error == 0) return "int8 computes what float computes on these samples";
  std::string text = network(report);
  const auto order = ranking(report);
  if (!order.empty() && order[0]->leave_one_out && order[0]->leave_one_out->gain > 0.05)
    text += "; " + order[0]->name + " costs most: " + share(order[0]->leave_one_out->gain) + " of the error is its own";
  else if (!order.empty())
    text += "; no node stands out";
  if (report.expected_gain && *report.expected_gain > 0)
    text += "; the changes proposed take away " + share(*report.expected_gain) + " of the error";
  return text;
}

}  // namespace qtool::debug
