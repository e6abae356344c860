#pragma once
#include <optional>
#include <string_view>

namespace qtool::kernels {

/// Instruction sets kernels are written for. neon: ARM v8.0; neondot: with the dot product instructions of v8.2; neoni8mm: with the
/// 8-bit matrix instructions of v8.6 as well.
enum class Isa { scalar, avx2, avx512, avx512vbmi, neon, neondot, neoni8mm };

std::string_view name_of(Isa isa);  ///< as its enumerator
std::optional<Isa> isa_named(std::string_view name);

/// From now on no variant beyond `most` is chosen. To be called before the first kernel runs: choices are made once.
void limit_to(Isa most);
bool within_limit(Isa isa);

}  // namespace qtool::kernels
