#pragma once
// Random damage to bytes, repeatable: what every fuzz entry feeds its reader with.

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace qtool::testing {

/// One to eight edits: flipped bits, bytes and runs replaced, inserted, repeated or cut, huge integers, a part of another seed.
std::string mutate(const std::string& bytes, const std::vector<std::string>& seeds, std::mt19937& random);

/// Calls entry(bytes) with `rounds` mutations of every seed. A failure inside is reported with the seed's index and the round.
void fuzz(const std::vector<std::string>& seeds, int rounds, const std::function<void(const std::string&)>& entry);

}  // namespace qtool::testing
