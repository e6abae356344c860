#include "exec/onednn/engine.h"

#include <omp.h>

namespace qtool::onednn {

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance(engine());
  return instance;
}

void set_threads(int threads) {
  thread_local int current = 0;
  if (threads == current) return;
  omp_set_num_threads(threads);
  current = threads;
}

}  // namespace qtool::onednn
