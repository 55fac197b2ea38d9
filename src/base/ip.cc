#include "base/ip.h"

#include <arpa/inet.h>

#include <cstring>

#include <fmt/format.h>

namespace bv {

std::optional<Ip> Ip::Parse(std::string_view text) {
  std::string name(text);
  Ip ip;
  if (name.find(':') != name.npos) {
    ip.v4_ = false;
    if (inet_pton(AF_INET6, name.c_str(), ip.bytes_.data()) != 1) return std::nullopt;
    return ip;
  }
  in_addr address;
  // inet_aton() stops at white space.
  if (name.find_first_of(" \t\n") != name.npos || name.size() != std::strlen(name.c_str())) return std::nullopt;
  if (inet_aton(name.c_str(), &address) == 0) return std::nullopt;
  std::memcpy(ip.bytes_.data(), &address, sizeof address);
  return ip;
}

Ip Ip::V4(std::uint32_t address) {
  Ip ip;
  std::uint32_t ordered = htonl(address);
  std::memcpy(ip.bytes_.data(), &ordered, sizeof ordered);
  return ip;
}

Ip Ip::Netmask(bool v4, unsigned prefix) {
  Ip ip;
  ip.v4_ = v4;
  for (unsigned bit = 0; bit < prefix && bit < ip.width(); ++bit) ip.bytes_[bit / 8] |= static_cast<std::uint8_t>(0x80 >> (bit % 8));
  return ip;
}

std::string Ip::ToString() const {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
}

Ip Ip::Masked(const Ip& netmask) const {
  Ip ip = *this;
  for (std::size_t i = 0; i < bytes_.size(); ++i) ip.bytes_[i] &= netmask.bytes_[i];
  return ip;
}

Ip Ip::Last(unsigned prefix) const {
  Ip ip = *this, mask = Netmask(v4_, prefix);
  for (std::size_t i = 0; i < width() / 8; ++i) ip.bytes_[i] |= static_cast<std::uint8_t>(~mask.bytes_[i]);
  return ip;
}

std::optional<unsigned> Ip::PrefixOfMask() const {
  for (unsigned prefix = 0; prefix <= width(); ++prefix) {
    if (*this == Netmask(v4_, prefix)) return prefix;
  }
  return std::nullopt;
}

std::optional<std::string> Ip::ReverseZone(unsigned prefix) const {
  unsigned label = v4_ ? 8 : 4;
  if (prefix == 0 || prefix >= width() || prefix % label) return std::nullopt;
  std::string zone;
  for (unsigned i = prefix / label; i-- > 0;) {
    if (v4_) {
      zone += fmt::format("{}.", bytes_[i]);
    } else {
      zone += fmt::format("{:x}.", i % 2 ? bytes_[i / 2] & 15 : bytes_[i / 2] >> 4);
    }
  }
  return zone + (v4_ ? "in-addr.arpa" : "ip6.arpa");
}

std::optional<std::uint64_t> Ip::Distance(const Ip& first, const Ip& last) {
  if (last < first) return std::nullopt;
  std::uint64_t distance = 0;
  int borrow = 0;
  std::array<std::uint8_t, 16> difference{};
  for (int i = static_cast<int>(first.width() / 8) - 1; i >= 0; --i) {
    int byte = last.bytes_[static_cast<std::size_t>(i)] - first.bytes_[static_cast<std::size_t>(i)] - borrow;
    borrow = byte < 0;
    difference[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(byte);
  }
  for (std::size_t i = 0; i < first.width() / 8; ++i) {
    if (distance >> 56) return UINT64_MAX;
    distance = distance << 8 | difference[i];
  }
  return distance;
}

}  // namespace bv
