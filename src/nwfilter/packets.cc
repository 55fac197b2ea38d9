#include "nwfilter/packets.h"

#include <algorithm>

#include "base/ip.h"

namespace bv::nwfilter {

namespace {

constexpr std::size_t kEthernetHeader = 14, kVlanTag = 4;
constexpr std::uint16_t kIpv4Type = 0x800, kArpType = 0x806, kVlanType = 0x8100;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint16_t kServerPort = 67, kClientPort = 68;
constexpr std::uint32_t kDhcpCookie = 0x63825363;
constexpr std::uint8_t kLeaseOption = 51, kTypeOption = 53, kServerOption = 54, kEndOption = 255, kAck = 5;

using Bytes = std::span<const std::uint8_t>;

std::uint32_t Number(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}

bool IsMac(Bytes bytes, std::size_t at, const model::MacAddress& mac) {
  return bytes.size() >= at + 6 && std::equal(mac.bytes.begin(), mac.bytes.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

std::optional<LearnedAddress> Usable(std::uint32_t address) {
  std::uint32_t first = address >> 24;
  if (first == 0 || first == 127 || first >= 224) return std::nullopt;
  return LearnedAddress{Ip::V4(address).ToString(), 0, ""};
}

// An acknowledgement to the guest gives it its address.
std::optional<LearnedAddress> FromDhcp(Bytes message, const model::MacAddress& guest) {
  constexpr std::size_t kAddress = 16, kHardwareAddress = 28, kCookie = 236, kOptions = 240;
  if (message.size() < kOptions || !IsMac(message, kHardwareAddress, guest) || Number(message, kCookie, 4) != kDhcpCookie) return std::nullopt;
  auto learned = Usable(Number(message, kAddress, 4));
  if (!learned) return std::nullopt;
  bool acknowledged = false;
  for (std::size_t at = kOptions; at < message.size() && message[at] != kEndOption;) {
    if (message[at] == 0) {
      ++at;
      continue;
    }
    if (at + 2 > message.size() || at + 2 + message[at + 1] > message.size()) break;
    std::uint8_t option = message[at], size = message[at + 1];
    at += 2;
    if (option == kTypeOption && size == 1) acknowledged = message[at] == kAck;
    if (option == kLeaseOption && size == 4) learned->lease = Number(message, at, 4);
    if (option == kServerOption && size == 4) learned->server = Ip::V4(Number(message, at, 4)).ToString();
    at += size;
  }
  return acknowledged ? learned : std::nullopt;
}

}  // namespace

std::optional<LearnedAddress> LearnAddress(Bytes packet, const model::MacAddress& guest, LearnFrom from) {
  if (packet.size() < kEthernetHeader) return std::nullopt;
  bool from_guest = IsMac(packet, 6, guest);
  std::size_t at = kEthernetHeader;
  std::uint32_t type = Number(packet, 12, 2);
  if (type == kVlanType && packet.size() >= at + kVlanTag) {
    type = Number(packet, at + 2, 2);
    at += kVlanTag;
  }
  Bytes rest = packet.subspan(at);
  if (type == kArpType && from_guest && from == LearnFrom::kAnything) {
    constexpr std::size_t kSender = 14, kSize = 28;
    if (rest.size() < kSize || Number(rest, 2, 2) != kIpv4Type || !IsMac(rest, 8, guest)) return std::nullopt;
    return Usable(Number(rest, kSender, 4));
  }
  if (type != kIpv4Type || rest.size() < 20) return std::nullopt;
  if (from_guest) return from == LearnFrom::kAnything ? Usable(Number(rest, 12, 4)) : std::nullopt;
  std::size_t header = (rest[0] & 15u) * 4;
  if (rest[9] != kUdp || header < 20 || rest.size() < header + 8) return std::nullopt;
  if (Number(rest, header, 2) != kServerPort || Number(rest, header + 2, 2) != kClientPort) return std::nullopt;
  return FromDhcp(rest.subspan(header + 8), guest);
}

}  // namespace bv::nwfilter
