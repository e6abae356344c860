#include "base/sha256.h"

#include <nettle/sha2.h>

namespace qtool {

Sha256::Sha256() : state_(new sha256_ctx) { sha256_init(static_cast<sha256_ctx*>(state_)); }

Sha256::~Sha256() { delete static_cast<sha256_ctx*>(state_); }

void Sha256::update(std::string_view bytes) {
  sha256_update(static_cast<sha256_ctx*>(state_), bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
}

std::string Sha256::hex() {
  uint8_t digest[SHA256_DIGEST_SIZE];
  sha256_digest(static_cast<sha256_ctx*>(state_), sizeof(digest), digest);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace qtool
