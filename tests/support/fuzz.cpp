#include "support/fuzz.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

namespace qtool::testing {
namespace {

using Random = std::mt19937;

/// Uniform enough in [0, below); the same with every standard library.
size_t pick(Random& random, size_t below) { return below == 0 ? 0 : random() % below; }

void flip_bit(std::string& bytes, Random& random) {
  if (!bytes.empty()) bytes[pick(random, bytes.size())] ^= static_cast<char>(1 << pick(random, 8));
}

void set_byte(std::string& bytes, Random& random) {
  static const char kInteresting[] = {0, 1, 0x7f, '\x80', '\xff', '"', '{', '-', '.', '/'};
  if (!bytes.empty()) bytes[pick(random, bytes.size())] = kInteresting[pick(random, sizeof(kInteresting))];
}

void insert_huge(std::string& bytes, Random& random) {
  const std::string huge = pick(random, 2) ? "\xff\xff\xff\xff\xff\xff\xff\xff\x7f" : "\xff\xff\xff\xff\x07";
  bytes.insert(pick(random, bytes.size() + 1), huge);
}

void cut(std::string& bytes, Random& random) {
  const size_t at = pick(random, bytes.size());
  bytes.erase(at, 1 + pick(random, 16));
}

void truncate(std::string& bytes, Random& random) { bytes.resize(pick(random, bytes.size() + 1)); }

void repeat(std::string& bytes, Random& random) {
  const size_t at = pick(random, bytes.size());
  bytes.insert(at, bytes.substr(at, 1 + pick(random, 64)));
}

void splice(std::string& bytes, const std::string& other, Random& random) {
  const size_t from = pick(random, other.size());
  bytes.insert(pick(random, bytes.size() + 1), other.substr(from, 1 + pick(random, 64)));
}

}  // namespace

std::string mutate(const std::string& bytes, const std::vector<std::string>& seeds, Random& random) {
  std::string damaged = bytes;
  for (size_t edits = 1 + pick(random, 8); edits > 0; --edits) {
    switch (pick(random, 12)) {
      case 0:
        insert_huge(damaged, random);
        break;
      case 1:
        cut(damaged, random);
        break;
      case 2:
        repeat(damaged, random);
        break;
      case 3:
        splice(damaged, seeds[pick(random, seeds.size())], random);
        break;
      case 4:
        truncate(damaged, random);
        break;
      case 5:
      case 6:
        set_byte(damaged, random);
        break;
      default:
        flip_bit(damaged, random);
    }
  }
  return damaged;
}

void fuzz(const std::vector<std::string>& seeds, int rounds, const std::function<void(const std::string&)>& entry) {
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::mt19937 random(static_cast<unsigned>(i + 1));
    for (int round = 0; round < rounds; ++round) {
      const std::string bytes = mutate(seeds[i], seeds, random);
      INFO("seed " << i << ", round " << round);
      entry(bytes);
    }
  }
}

}  // namespace qtool::testing
