#include "exec/reference/backend.h"

namespace qtool::reference {

const Backend kBackend{"reference", nullptr, [] { return std::string("reference: every node by its definition"); }, [] { return true; }};

}  // namespace qtool::reference
