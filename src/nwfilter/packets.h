#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "model/value.h"

namespace bv::nwfilter {

enum class LearnFrom : std::uint8_t { kAnything, kDhcp };

// What a packet on a guest's interface, as it stands on the wire, says about the guest's IPv4 address: what the
// guest claims in ARP and IP, and what a DHCP server gives it. Nullopt: nothing. Reads nothing outside `packet`.
struct LearnedAddress {
  std::string address;
  std::uint32_t lease = 0;  // seconds; 0 without DHCP
  std::string server;       // of DHCP
};
std::optional<LearnedAddress> LearnAddress(std::span<const std::uint8_t> packet, const model::MacAddress& guest, LearnFrom from);

}  // namespace bv::nwfilter
