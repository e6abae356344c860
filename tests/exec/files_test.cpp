#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>

#include "exec/plan.h"
#include "onnxio/onnxio.h"
#include "ops/op_def.h"
#include "tests/exec/engine_check.h"

namespace qtool::testing {
namespace {

/// "1x3x48x192"
Shape shape_of(const std::string& text) {
  Shape shape;
  std::istringstream in(text);
  for (std::string dim; std::getline(in, dim, 'x');) shape.push_back(std::stoll(dim));
  return shape;
}

std::string engine_wanted() {
  const char* engine = std::getenv("QTOOL_ENGINE");
  return engine ? engine : engines()[0];
}

// QTOOL_ENGINE=arm QTOOL_SHAPE=1x3x48x192 (of inputs with unknown dimensions) QTOOL_MODEL=int8.onnx exec_tests "[file]": every cluster of a
// file against the reference, with kernel and time.
TEST_CASE("engines: every cluster of a file", "[.][file]") {
  const char* path = std::getenv("QTOOL_MODEL");
  if (!path) SKIP("QTOOL_MODEL names no file");
  const char* size = std::getenv("QTOOL_SHAPE");
  Model model = onnxio::load(path);
  infer_types(model);
  const std::vector<Tensor> inputs = random_inputs(model, size ? shape_of(size) : Shape{}, 2);
  double total = 0;
  for (const ClusterCheck& check : check_engine(engine_wanted(), model, inputs, 7)) {
    std::cout << to_text(check) << '\n';
    total += check.kernel.empty() ? 0 : check.us;
    if (!check.kernel.empty()) CHECK(agrees(check));
  }
  std::cout << "total " << total << " us\n";
}

/// Processor time of this thread: does not count what other processes take.
double cpu_us() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// The same variables and QTOOL_THREADS: processor times of whole runs, and the profile of the last.
TEST_CASE("engines: a file through a plan", "[.][bench]") {
  const char* path = std::getenv("QTOOL_MODEL");
  if (!path) SKIP("QTOOL_MODEL names no file");
  const char *size = std::getenv("QTOOL_SHAPE"), *threads = std::getenv("QTOOL_THREADS");
  Model model = onnxio::load(path);
  infer_types(model);
  Diagnostics diagnostics;
  Plan plan(model, {.engine = engine_wanted(), .threads = threads ? std::stoi(threads) : 1}, diagnostics);
  const std::vector<Tensor> inputs = random_inputs(model, size ? shape_of(size) : Shape{}, 2);
  Runner runner(plan);
  for (int warm = 0; warm < 3; ++warm) runner.run(inputs);
  std::vector<double> times;
  for (double spent = 0; spent < 1e6;) {
    const double begin = cpu_us();
    runner.run(inputs);
    times.push_back(cpu_us() - begin);
    spent += times.back();
  }
  std::sort(times.begin(), times.end());
  runner.enable_profile();
  runner.run(inputs);
  runner.run(inputs);
  for (const StepProfile& step : runner.profile())
    std::cout << step.us << " us " << step.op << ' ' << step.dtype << ' ' << step.kernel << ' ' << step.name << '\n';
  std::cout << "min " << times.front() << " us, median " << times[times.size() / 2] << " us\n";
}

}  // namespace
}  // namespace qtool::testing
