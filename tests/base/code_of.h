#pragma once
// The exit code a command would end with for what `body` throws.

#include "base/error.h"

namespace qtool::test {

ExitCode code_of(const auto& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return ExitCode::done;
}

}  // namespace qtool::test
