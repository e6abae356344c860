#include "kernels/elementwise/table_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
void lookup_neon(const LookupArgs& args) { Table(args.table).map(args.in, args.out, args.n); }
}  // namespace qtool::kernels
