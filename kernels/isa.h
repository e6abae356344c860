#pragma once

namespace qtool::kernels {

/// Instruction sets kernels are written for. neon: ARM v8.0; neondot: with the dot product instructions of v8.2; neoni8mm: with the
/// 8-bit matrix instructions of v8.6 as well.
enum class Isa { scalar, avx2, avx512, avx512vbmi, neon, neondot, neoni8mm };

}  // namespace qtool::kernels
