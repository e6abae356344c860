#include "exec/roofline.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "kernels/registry.h"

namespace qtool {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Shortest of some turns in which every thread does `work` at the same time.
double least_seconds(int threads, const std::function<void(int thread)>& work) {
  double least = 1e9;
  for (int turn = 0; turn < 10; ++turn) {
    std::atomic<int> waiting{threads};
    std::vector<double> seconds(static_cast<size_t>(threads));
    const auto member = [&](int thread) {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      seconds[static_cast<size_t>(thread)] = seconds_of([&] { work(thread); });
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(member, thread);
    member(0);
    for (std::thread& other : others) other.join();
    least = std::min(least, *std::max_element(seconds.begin(), seconds.end()));
  }
  return least;
}

double measure_int8_gmacs(int threads) {
  std::vector<int64_t> macs(static_cast<size_t>(threads));
  const double seconds = least_seconds(threads, [&](int thread) {
    int32_t sink = 0;
    kernels::best<kernels::DotPeak>().run({50000, &macs[static_cast<size_t>(thread)], &sink});
  });
  return static_cast<double>(macs[0]) * threads / seconds / 1e9;
}

double measure_gbytes(int threads, int64_t footprint) {
  const std::vector<float> data(static_cast<size_t>(footprint) / sizeof(float), 1.0f);
  const size_t each = data.size() / static_cast<size_t>(threads), turns = 1 + (size_t{4} << 20) / data.size();
  const double seconds = least_seconds(threads, [&](int thread) {
    float lo = 0, hi = 0;
    for (size_t turn = 0; turn < turns; ++turn)
      kernels::best<kernels::Extremes>().run({data.data() + static_cast<size_t>(thread) * each, each, &lo, &hi});
  });
  return static_cast<double>(each * turns * sizeof(float)) * threads / seconds / 1e9;
}

}  // namespace

double Roofline::bound_us(const std::vector<StepProfile>& profile) const {
  double us = 0;
  for (const StepProfile& step : profile)
    us += std::max(static_cast<double>(step.macs) / int8_gmacs, static_cast<double>(step.bytes) / gbytes) / 1e3;
  return us;
}

Roofline measure_roofline(int threads, int64_t bytes) {
  const int64_t footprint = std::clamp<int64_t>(bytes, int64_t{1} << 18, int64_t{1} << 27);
  return {measure_int8_gmacs(threads), measure_gbytes(threads, footprint), footprint};
}

}  // namespace qtool
