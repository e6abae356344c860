#include "progress.h"

#include <unistd.h>

#include <cstdio>

namespace qtool::cmd {

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) != 0), begin_(Clock::now()), last_(begin_) {}

void Progress::operator()(size_t done, size_t total) {
  const auto now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (now - last_ < pause && !(terminal_ && drawn_ && done == total)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = static_cast<double>(done) / seconds;
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
  if (!terminal_) {
    std::fprintf(stderr, "qtool: %s %zu of %zu, %.1f/s, %.0f s left\n", what_.c_str(), done, total, rate, left);
    return;
  }
  constexpr int kWidth = 30;
  const int full = static_cast<int>(kWidth * done / (total ? total : 1));
  std::fprintf(stderr, "\r%s [%.*s%*s] %zu/%zu %.1f/s %.0f s left ", what_.c_str(), full, "##############################", kWidth - full,
               "", done, total, rate, left);
  drawn_ = true;
}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

}  // namespace qtool::cmd
