#include "base/interrupt.h"

#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include "base/output_file.h"

namespace qtool {
namespace {

volatile std::sig_atomic_t signals_seen = 0;

void on_signal(int) {
  if (signals_seen) {
    remove_unfinished_outputs();
    _exit(130);
  }
  signals_seen = 1;
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return signals_seen != 0; }

}  // namespace qtool
