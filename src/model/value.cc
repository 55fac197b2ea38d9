#include "model/value.h"

#include <sys/random.h>

namespace bv::model {

std::optional<std::uint8_t> FindSpelling(const char* const* names, std::size_t count, std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char first = text.front();
  for (std::size_t i = 0; i < count; ++i) {
    const char* name = names[i];
    if (*name != first) continue;  // so it is with nearly all
    if (std::string_view(name) == text) return static_cast<std::uint8_t>(i);
  }
  return std::nullopt;
}

namespace {
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace

std::optional<MacAddress> MacAddress::Parse(std::string_view text) {
  MacAddress mac;
  std::size_t at = 0;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    if (i > 0 && (at >= text.size() || text[at++] != ':')) return std::nullopt;
    int value = 0, digits = 0;
    for (; digits < 2 && at < text.size() && HexDigit(text[at]) >= 0; ++digits) value = value * 16 + HexDigit(text[at++]);
    if (digits == 0) return std::nullopt;
    mac.bytes[i] = static_cast<std::uint8_t>(value);
  }
  if (at != text.size()) return std::nullopt;
  return mac;
}

MacAddress MacAddress::Generate() {
  MacAddress mac;
  mac.bytes = {0x52, 0x54, 0x00};
  while (getrandom(mac.bytes.data() + 3, 3, 0) != 3) {
  }
  return mac;
}

std::string_view MacAddress::FormatTo(char (&buffer)[18]) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    buffer[i * 3] = kDigits[bytes[i] >> 4];
    buffer[i * 3 + 1] = kDigits[bytes[i] & 15];
    buffer[i * 3 + 2] = ':';
  }
  buffer[17] = 0;
  return {buffer, 17};
}

}  // namespace bv::model
