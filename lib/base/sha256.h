#pragma once
#include <string>
#include <string_view>

namespace qtool {

/// SHA-256 (FIPS 180-4) fed in pieces; hex() gives 64 lower-case digits.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();
  void update(std::string_view bytes);
  std::string hex();

 private:
  void* state_;
};

}  // namespace qtool
