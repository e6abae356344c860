// Every fuzz entry over its corpus, and over mutations of it that are the same in every run.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/entry.h"

namespace qtool::fuzz {
#define ENTRY(name, corpus) void name(std::string_view bytes);
#include "tests/fuzz/entries.inc"
#undef ENTRY
}  // namespace qtool::fuzz

namespace {

constexpr int kMutations = 600;

struct Entry {
  const char* name;
  void (*run)(std::string_view);
  const char* corpus;
};

const Entry kEntries[] = {
#define ENTRY(name, corpus) {#name, qtool::fuzz::name, corpus},
#include "tests/fuzz/entries.inc"
#undef ENTRY
};

std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.push_back(entry.path().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Changes that break formats in different ways: a bit, a byte, extreme numbers, a cut, a repetition, a splice with another file.
class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  std::string mutate(std::string bytes, const std::string& other) {
    for (size_t changes = 1 + below(4); changes-- > 0 && !bytes.empty();) change(bytes, other);
    return bytes;
  }

 private:
  void change(std::string& bytes, const std::string& other) {
    const size_t at = below(bytes.size());
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random_());
        break;
      case 2:
        extreme(bytes, at);
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.insert(at, bytes.substr(below(bytes.size()), below(40)));
        break;
      case 5:
        bytes.erase(at, below(40));
        break;
      default:
        bytes = bytes.substr(0, at) + other.substr(std::min(at, other.size()));
    }
  }

  void extreme(std::string& bytes, size_t at) {
    const size_t count = std::min(bytes.size() - at, size_t{1} << below(4));
    const char fill = below(2) ? '\xff' : '\0';
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, fill);
    if (below(2)) bytes[at + count - 1] = fill ? '\x7f' : '\x80';
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("fuzz: no file and no mutation of one does more than give an error") {
  const Entry entry = GENERATE(from_range(std::begin(kEntries), std::end(kEntries)));
  std::vector<std::string> corpus;
  for (const std::string& path : files_of(entry.corpus)) {
    corpus.push_back(bytes_of(path));
    INFO(entry.name << " " << path);
    CHECK_NOTHROW(entry.run(corpus.back()));
  }
  REQUIRE_FALSE(corpus.empty());
  for (int seed = 0; seed < kMutations; ++seed) {
    Mutator mutator(static_cast<unsigned>(seed));
    const std::string& base = corpus[mutator.below(corpus.size())];
    const std::string bytes = mutator.mutate(base, corpus[mutator.below(corpus.size())]);
    INFO(entry.name << ", mutation " << seed);
    CHECK_NOTHROW(entry.run(bytes));
  }
}

TEST_CASE("fuzz: no bytes at all") {
  for (const Entry& entry : kEntries) {
    INFO(entry.name);
    CHECK_NOTHROW(entry.run(""));
  }
}
