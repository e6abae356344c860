#pragma once
// The one exception of the project: a failure that a user can act on, with the exit code it ends the command with.

#include <exception>
#include <string>
#include <utility>

namespace qtool {

/// Exit codes of every command (docs/cli.md).
enum class ExitCode : int {
  done = 0,
  gate_failed = 1,   ///< accuracy gate, --expect, --strict
  usage = 2,         ///< wrong options
  invalid_file = 3,  ///< unreadable or invalid input
  unsupported = 4,   ///< valid, but not something qtool can do
  bug = 5,           ///< our fault
  interrupted = 130,
};

/// "what was found, what was expected, where"; every layer that knows more adds a frame in front.
class Error : public std::exception {
 public:
  Error(ExitCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ExitCode code() const { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }
  Error& prepend(const std::string& frame) {
    message_ = frame + ": " + message_;
    return *this;
  }

 private:
  ExitCode code_;
  std::string message_;
};

inline Error usage_error(std::string message) { return {ExitCode::usage, std::move(message)}; }
inline Error invalid_file(std::string message) { return {ExitCode::invalid_file, std::move(message)}; }
inline Error unsupported(std::string message) { return {ExitCode::unsupported, std::move(message)}; }
inline Error bug(std::string message) { return {ExitCode::bug, std::move(message)}; }

/// Runs `body`; an Error that leaves it gets `frame: ` in front.
template <class Body>
decltype(auto) with_frame(const std::string& frame, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.prepend(frame);
    throw;
  }
}

}  // namespace qtool
