#pragma once
// SIGINT and SIGTERM as a flag that long loops poll, so that what was collected can be saved.

namespace qtool {

/// First signal: sets the flag. Second: removes unfinished outputs and ends the process with 130.
void install_interrupt_handler();
bool interrupted();

}  // namespace qtool
