#include "graph/observer.h"

#include "graph/domains.h"

namespace qtool {

bool is_observer(const Node& node) { return node.kind() == NodeKind::call_module && node.domain == kObserverDomain; }

std::string observed_tensor(const Node& observer) {
  const std::string* tensor = observer.string_attr("tensor");
  if (!tensor) throw invalid_file("observer \"" + observer.path() + "\" does not name its tensor");
  return *tensor;
}

}  // namespace qtool
