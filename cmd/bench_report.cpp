#include "bench_report.h"

#include <algorithm>

#include "exec/lowering.h"
#include "exec/roofline.h"

namespace qtool::cmd {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[400];
  std::snprintf(text, sizeof(text), pattern, values...);
  return text;
}

double gmacs_of(const StepProfile& step, double us) { return us > 0 ? static_cast<double>(step.macs) / us / 1e3 : 0; }

double total_us(const std::vector<StepProfile>& steps) {
  double total = 0;
  for (const StepProfile& step : steps) total += step.us;
  return total;
}

Json to_json(const StepProfile& step) {
  Json json{{"name", step.name}, {"op", step.op},     {"kernel", step.kernel}, {"dtype", step.dtype},
            {"us", step.us},     {"macs", step.macs}, {"bytes", step.bytes}};
  if (!step.why_eval.empty()) json["why_eval"] = step.why_eval;
  return json;
}

void print_profile(std::vector<StepProfile> steps, Session& session) {
  std::stable_sort(steps.begin(), steps.end(), [](const StepProfile& a, const StepProfile& b) { return a.us > b.us; });
  const double total = total_us(steps);
  session.say("      us  share  GMAC/s     bytes  dtype    op                 kernel                          node");
  for (const StepProfile& step : steps)
    session.say(format("%8.1f  %4.1f%%  %6.1f  %8s  %-7s  %-17s  %-30s  %s", step.us, 100 * step.us / total, gmacs_of(step, step.us),
                       human_bytes(static_cast<double>(step.bytes)).c_str(), step.dtype.c_str(), step.op.c_str(), step.kernel.c_str(),
                       (step.name + (step.why_eval.empty() ? "" : " (no kernel: " + step.why_eval + ")")).c_str()));
}

void report_roofline(const std::vector<StepProfile>& steps, Session& session) {
  int64_t bytes = 0, macs = 0;
  for (const StepProfile& step : steps) bytes += step.bytes, macs += step.macs;
  const Roofline roofline = measure_roofline(session.threads(), bytes);
  const double us = total_us(steps), bound = roofline.bound_us(steps), gmacs = static_cast<double>(macs) / us / 1e3;
  session.report["roofline"] = {{"int8_gmacs", roofline.int8_gmacs},
                                {"gbytes_per_second", roofline.gbytes},
                                {"bound_us", bound},
                                {"gmacs", gmacs},
                                {"times_bound", us / bound}};
  session.say(
      format("roofline: int8 peak %.0f GMAC/s, reading %s at %.1f GB/s: at least %.1f us; the steps take %.1f us, %.2fx of it, "
             "%.0f GMAC/s, %.0f %% of the peak",
             roofline.int8_gmacs, human_bytes(static_cast<double>(roofline.footprint)).c_str(), roofline.gbytes, bound, us, us / bound,
             gmacs, 100 * gmacs / roofline.int8_gmacs));
}

/// The steps whose root is Conv, ConvTranspose, Gemm or MatMul, with the time their bare primitive takes.
std::vector<std::pair<StepProfile, double>> primitives_of(const std::vector<StepProfile>& steps, AloneFn alone) {
  std::vector<std::pair<StepProfile, double>> found;
  for (const StepProfile& step : steps) {
    if (!is_product(step.op) || !step.root || step.shapes.empty()) continue;
    if (const auto us = alone(*step.root, step.shapes, step.dtype == "int8")) found.emplace_back(step, *us);
  }
  return found;
}

}  // namespace

Latency summarize(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const size_t n = times.size();
  return {times.front(), times[n / 2], times[std::min(n - 1, n * 95 / 100)], n};
}

void add_latency(Json& json, const Latency& latency) {
  json["min_us"] = latency.min_us;
  json["median_us"] = latency.median_us;
  json["p95_us"] = latency.p95_us;
  json["runs"] = latency.runs;
}

std::string in_words(const Latency& latency) {
  return format("median %.1f us, min %.1f us, p95 %.1f us, %.1f runs/s (%zu runs)", latency.median_us, latency.min_us, latency.p95_us,
                1e6 / latency.median_us, latency.runs);
}

void report_profile(const std::vector<StepProfile>& steps, Session& session) {
  double peak = 0;
  session.report["nodes"] = Json::array();
  for (const StepProfile& step : steps) {
    session.report["nodes"].push_back(to_json(step));
    peak = std::max(peak, gmacs_of(step, step.us));
  }
  session.report["int8_mac_share"] = int8_mac_share(steps);
  session.report["peak_gmacs"] = peak;
  print_profile(steps, session);
  session.say("int8 share of the MACs: " + std::to_string(int8_mac_share(steps)));
  report_roofline(steps, session);
}

void report_primitives(const std::vector<StepProfile>& steps, const std::string& engine, Session& session) {
  const Backend* backend = find_backend(engine);
  if (!backend || !backend->alone) throw usage_error("--primitives: the engine \"" + engine + "\" has no library of primitives");
  double sum = 0;
  session.report["primitives"] = Json::array();
  session.say("primitive us   node us  GMAC/s  op                 node");
  for (const auto& [step, us] : primitives_of(steps, backend->alone)) {
    sum += us;
    session.report["primitives"].push_back({{"name", step.name}, {"op", step.op}, {"dtype", step.dtype}, {"us", us}, {"node_us", step.us}});
    session.say(format("%12.1f  %8.1f  %6.1f  %-17s  %s", us, step.us, gmacs_of(step, us), step.op.c_str(), step.name.c_str()));
  }
  session.report["primitives_us"] = sum;
  session.say(format("sum of the primitives %.1f us; all steps %.1f us, %.2fx of it", sum, total_us(steps), total_us(steps) / sum));
}

}  // namespace qtool::cmd
