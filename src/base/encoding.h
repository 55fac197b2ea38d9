#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bv {

// Base64 of RFC 4648 section 4, with padding.
std::string ToBase64(std::string_view bytes);
std::string ToBase64(std::span<const std::uint8_t> bytes);
// What is no base64 is passed over, as GLib does.
std::string FromBase64(std::string_view text);

// SHA-256 in lower-case hexadecimal.
std::string Sha256(std::string_view text);

}  // namespace bv
