#pragma once
// JSON -> QConfigMapping (SPEC 5).

#include "config/cursor.h"
#include "config/qconfig.h"

namespace qtool {

/// Which of the two tensors of a qconfig a spec is for: their defaults differ.
enum class Role { activation, weight };

/// Codes when quant_min and quant_max are not given.
CodeRange default_codes(DType dtype, Role role, bool reduce_range);

/// One observer; null, dtype float and observer none mean: not quantized.
ObserverSpec read_observer(Cursor cursor, Role role);

struct QConfigReader {
  static QConfigMapping read(Cursor root);
};

}  // namespace qtool
