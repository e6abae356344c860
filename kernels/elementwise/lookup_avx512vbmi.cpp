#include "kernels/elementwise/table_avx512vbmi.h"
#include "kernels/registry.h"

namespace qtool::kernels {

__attribute__((target("avx512vbmi"))) void lookup_avx512vbmi(const LookupArgs& args) {
  const Table table(args.table);
  size_t i = 0;
  for (; i + 64 <= args.n; i += 64) _mm512_storeu_si512(args.out + i, table(_mm512_loadu_si512(args.in + i)));
  if (i == args.n) return;
  const __mmask64 rest = ~__mmask64{0} >> (64 - (args.n - i));
  _mm512_mask_storeu_epi8(args.out + i, rest, table(_mm512_maskz_loadu_epi8(rest, args.in + i)));
}

}  // namespace qtool::kernels
