#pragma once
// What must hold of any bytes given as a model: refused as an invalid file, or loaded, sound, and saved the same way twice.

#include <catch2/catch_test_macros.hpp>

#include "onnxio/onnxio.h"

namespace qtool::testing {

inline void load_hostile(const std::string& bytes) {
  Model model;
  try {
    model = onnxio::parse(bytes, "FILE");
  } catch (const Error& error) {
    if (error.code() != ExitCode::invalid_file) FAIL(error.what());
    return;
  }
  REQUIRE_NOTHROW(lint(model, "load"));
  const std::string saved = onnxio::serialize(model);
  REQUIRE((onnxio::serialize(onnxio::parse(saved)) == saved));
}

}  // namespace qtool::testing
