#include "base/encoding.h"

#include <fmt/format.h>
#include <glib.h>
#include <nettle/sha2.h>

namespace bv {

std::string ToBase64(std::span<const std::uint8_t> bytes) {
  char* text = g_base64_encode(bytes.data(), bytes.size());
  std::string result = text;
  g_free(text);
  return result;
}

std::string ToBase64(std::string_view bytes) {
  return ToBase64(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

std::string FromBase64(std::string_view text) {
  gsize size = 0;
  guchar* bytes = g_base64_decode(std::string(text).c_str(), &size);
  std::string result(reinterpret_cast<const char*>(bytes), size);
  g_free(bytes);
  return result;
}

std::string Sha256(std::string_view text) {
  sha256_ctx hash;
  sha256_init(&hash);
  sha256_update(&hash, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
  std::uint8_t digest[SHA256_DIGEST_SIZE];
  sha256_digest(&hash, sizeof digest, digest);
  std::string hex;
  for (auto byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace bv
