#pragma once
#include <chrono>
#include <cstddef>
#include <string>

namespace qtool::cmd {

/// A bar with rate and time left on a terminal, a plain line every 10 s in a log; on stderr.
class Progress {
 public:
  explicit Progress(std::string what);
  void operator()(size_t done, size_t total);
  ~Progress();

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool terminal_;
  Clock::time_point begin_, last_;
  bool drawn_ = false;
};

}  // namespace qtool::cmd
