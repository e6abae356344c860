#include "config/qconfig.h"

#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(qconfig) {
  expect_error_at_most([&] {
    const auto mapping = QConfigMapping::parse(bytes, "q.json");
    mapping.choose("/encoder/layer.1/conv/Conv", {"ConvRelu", "Conv"});
    if (!(QConfigMapping::parse(mapping.to_json(), "again") == mapping)) throw bug("a qconfig changed on its way through JSON");
  });
}
