#include "quantize/to_weight_only.h"

#include "quantize/stored_weights.h"
#include "quantize/to_qdq.h"

namespace qtool {

void to_weight_only(Model& model, const QuantPlan& plan, const Placement& placement) {
  StoredWeights weights(*model.graph, placement);
  for (const StoredTable& table : plan.tables) weights.store(table);
  dissolve_groups(model);
}

}  // namespace qtool
