#include "debug/kernels.h"

#include <algorithm>
#include <unordered_map>

#include "debug/pairing.h"
#include "exec/agreement.h"

namespace qtool::debug {
namespace {

KernelAgreement told(const ClusterAgreement& cluster) {
  return {cluster.kernel, cluster.declined, cluster.worst_steps, cluster.share(), cluster.within_bound()};
}

}  // namespace

void compare_kernels(const Model& int8, SamplePass& samples, Report& report) {
  const std::vector<size_t> first = samples.first_used(1);
  const auto sample = first.empty() ? std::nullopt : samples.load(first[0]);
  if (!sample) return;
  std::unordered_map<std::string, ClusterAgreement> by_name;
  for (ClusterAgreement& cluster : compare_clusters(int8, report.engine, samples.in_order_of_int8(*sample)))
    by_name.emplace(cluster.name, cluster);
  for (NodeReport& node : report.nodes)
    if (const auto cluster = by_name.find(node.int8_name); cluster != by_name.end()) node.kernel = told(cluster->second);
}

}  // namespace qtool::debug
