#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bv {

// An IPv4 or IPv6 address.
class Ip {
 public:
  Ip() = default;
  // Takes the numbers that getaddrinfo() takes, "10.1" among them, but no scope. Nothing is looked up.
  static std::optional<Ip> Parse(std::string_view text);
  static Ip V4(std::uint32_t address);
  // The first `prefix` bits set.
  static Ip Netmask(bool v4, unsigned prefix);

  bool v4() const { return v4_; }
  unsigned width() const { return v4_ ? 32 : 128; }
  // Big-endian; 4 of them are used for IPv4.
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  bool IsZero() const { return bytes_ == std::array<std::uint8_t, 16>{}; }

  std::string ToString() const;

  Ip Masked(const Ip& netmask) const;
  Ip Masked(unsigned prefix) const { return Masked(Netmask(v4_, prefix)); }
  // The address with all bits after the prefix set.
  Ip Last(unsigned prefix) const;
  // Of a netmask: how many bits are set, or nullopt when they are not all in front.
  std::optional<unsigned> PrefixOfMask() const;
  // "1.168.192.in-addr.arpa"; nullopt where the prefix ends within a label.
  std::optional<std::string> ReverseZone(unsigned prefix) const;

  // How far `last` is behind `first`, of one family; nullopt when it is before it. Saturates.
  static std::optional<std::uint64_t> Distance(const Ip& first, const Ip& last);

  auto operator<=>(const Ip&) const = default;

 private:
  bool v4_ = true;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace bv
