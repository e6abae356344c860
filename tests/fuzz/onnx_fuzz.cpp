#include "onnxio/onnxio.h"
#include "tests/fuzz/entry.h"

namespace {

// A graph that lint accepts, and that is saved to a fixed point.
void check_read(const qtool::Model& model) {
  using namespace qtool;
  lint(model, "load");
  const std::string saved = onnxio::serialize(model);
  try {
    if (onnxio::serialize(onnxio::parse(saved)) != saved) throw bug("saving is no fixed point");
  } catch (const Error& error) {
    throw bug(std::string("what was saved: ") + error.what());
  }
}

}  // namespace

QTOOL_FUZZ_ENTRY(onnx) {
  expect_error_at_most([&] { check_read(onnxio::parse(bytes, "FILE")); });
}
