// If, Loop, Scan: run by the engine, which owns their bodies; infer_types looks into them.
#include "ops/helpers/infer.h"

namespace qtool {

extern const OpDef kIf1{.name = "If", .infer = infer_unknown};
extern const OpDef kLoop1{.name = "Loop", .infer = infer_unknown};
extern const OpDef kScan8{.name = "Scan", .since = 8, .infer = infer_unknown};
extern const OpDef kScan9{.name = "Scan", .since = 9, .infer = infer_unknown};

}  // namespace qtool
