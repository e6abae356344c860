#pragma once
// JSON -> BackendConfig (SPEC 6).

#include "config/backend.h"
#include "config/cursor.h"

namespace qtool {

BackendConfig read_backend(Cursor root);
Placement read_placement(Cursor cursor);

}  // namespace qtool
