#include "config/backend.h"

#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(backend) {
  expect_error_at_most([&] {
    const auto config = BackendConfig::parse(bytes, "b.json");
    if (!(BackendConfig::parse(config.to_json(), "again") == config)) throw bug("a backend changed on its way through JSON");
  });
}
