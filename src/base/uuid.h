#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace bv {

// A UUID as sixteen bytes in the order they are written and sent.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // Takes what libvirt takes: 32 hexadecimal digits, dashes anywhere between them, white space
  // around the whole.
  static std::optional<Uuid> Parse(std::string_view text);
  // A random one (RFC 4122 version 4).
  static Uuid Generate();

  // Lower case, 8-4-4-4-12.
  std::string ToString() const;

  // All zero: libvirt's "no UUID".
  bool IsNull() const { return *this == Uuid{}; }
  // libvirt refuses a host UUID whose bytes are all equal.
  bool IsUniform() const;

  auto operator<=>(const Uuid&) const = default;
};

struct UuidHash {
  std::size_t operator()(const Uuid& uuid) const {
    std::size_t hash;
    std::memcpy(&hash, uuid.bytes.data(), sizeof hash);
    return hash;
  }
};

}  // namespace bv
