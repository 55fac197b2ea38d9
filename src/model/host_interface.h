#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"

// <interface>: a network interface of the host, as far as it is told what is there. How interfaces are to be
// configured (addresses, when they start) is not part of it.
namespace bv::model {

enum class HostLinkState : std::uint8_t { kAbsent, kUnknown, kNotPresent, kDown, kLowerLayerDown, kTesting, kDormant, kUp };
template <>
struct Spelling<HostLinkState> {
  static constexpr const char* kNames[] = {"", "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"};
};
struct HostLink {
  unsigned speed = 0;  // Mbit/s
  HostLinkState state = HostLinkState::kAbsent;
};

enum class HostInterfaceType : std::uint8_t { kEthernet, kBridge, kBond, kVlan };
template <>
struct Spelling<HostInterfaceType> {
  static constexpr const char* kNames[] = {"ethernet", "bridge", "bond", "vlan"};
};

enum class BondMode : std::uint8_t { kAbsent, kRoundRobin, kActiveBackup, kXor, kBroadcast, k8023ad, kTlb, kAlb };
template <>
struct Spelling<BondMode> {
  static constexpr const char* kNames[] = {"", "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"};
};
enum class BondCarrier : std::uint8_t { kAbsent, kIoctl, kNetif };
template <>
struct Spelling<BondCarrier> {
  static constexpr const char* kNames[] = {"", "ioctl", "netif"};
};
enum class BondValidate : std::uint8_t { kAbsent, kActive, kBackup, kAll };
template <>
struct Spelling<BondValidate> {
  static constexpr const char* kNames[] = {"", "active", "backup", "all"};
};

struct HostInterface;

// How a bond finds out that a member lost its link: by the member's own word, or by asking neighbours.
struct MiiMonitor {
  int frequency = 0, down_delay = 0, up_delay = 0;
  BondCarrier carrier = BondCarrier::kAbsent;
};
struct ArpMonitor {
  int interval = 0;
  std::string target;
  BondValidate validate = BondValidate::kAbsent;
};
struct HostBond {
  BondMode mode = BondMode::kAbsent;
  std::optional<MiiMonitor> mii;
  std::optional<ArpMonitor> arp;
  std::vector<HostInterface> members;
};

struct HostBridge {
  OnOff stp = OnOff::kAbsent;
  std::string delay;
  std::vector<HostInterface> members;
};

struct HostVlan {
  std::string tag;
  std::string device;  // that it is part of
};

struct HostInterface {
  HostInterfaceType type = HostInterfaceType::kEthernet;
  std::string name;
  unsigned mtu = 0;                // not told of members
  HostLink link;                  // not told of bridges
  std::optional<std::string> mac;  // of kEthernet
  HostBridge bridge;               // the part that belongs to the type
  HostBond bond;
  HostVlan vlan;
};

HostInterface ParseHostInterface(std::string_view xml);
std::string FormatHostInterface(const HostInterface& interface);

}  // namespace bv::model
