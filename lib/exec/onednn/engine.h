#pragma once
// oneDNN's CPU engine and streams. Made on first use, so that commands that execute nothing do not pay for them.

#include <dnnl.hpp>

namespace qtool::onednn {

/// The process' only engine.
const dnnl::engine& engine();

/// The calling thread's stream.
dnnl::stream& stream();

/// Threads of the OpenMP team that primitives made or run by the calling thread use.
void set_threads(int threads);

/// Runs `body`; what oneDNN throws becomes Error(bug), but "unimplemented" gives false.
template <class Body>
bool implemented(Body&& body) {
  try {
    body();
    return true;
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented || error.status == dnnl_invalid_arguments) return false;
    throw;
  }
}

}  // namespace qtool::onednn
