#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/value.h"

// What guest interfaces and networks say alike: <virtualport>, <bandwidth>, <vlan>, <ip>, <route>,
// <portForward>.
namespace bv::model {

enum class VirtualPortType : std::uint8_t { kNone, k8021Qbg, k8021Qbh, kOpenvswitch, kMidonet };
template <>
struct Spelling<VirtualPortType> {
  static constexpr const char* kNames[] = {"", "802.1Qbg", "802.1Qbh", "openvswitch", "midonet"};
};
struct VirtualPort {
  VirtualPortType type = VirtualPortType::kNone;
  std::optional<unsigned> manager_id, type_id, type_id_version;
  std::optional<Uuid> instance_id, interface_id;
  std::string profile_id;
};

// KiB/s; burst in KiB.
struct BandwidthRate {
  std::uint64_t average = 0, peak = 0, floor = 0, burst = 0;
};
struct Bandwidth {
  std::optional<BandwidthRate> in, out;
  unsigned class_id = 0;  // live
};

enum class VlanNativeMode : std::uint8_t { kNone, kTagged, kUntagged };
template <>
struct Spelling<VlanNativeMode> {
  static constexpr const char* kNames[] = {"", "tagged", "untagged"};
};
struct VlanTag {
  unsigned id = 0;
  VlanNativeMode native_mode = VlanNativeMode::kNone;
};
struct Vlan {
  bool trunk = false;
  std::vector<VlanTag> tags;
};

// Addresses are kept as written: they were checked when parsed.
struct IpAddress {
  std::string family;  // "ipv4", "ipv6" or empty
  std::string address;
  std::optional<unsigned> prefix;
  std::string peer;
};
struct IpRoute {
  std::string family, address, netmask, gateway;
  std::optional<unsigned> prefix;
  std::optional<unsigned> metric;
};

enum class MacTableManager : std::uint8_t { kDefault, kKernel, kLibvirt };
template <>
struct Spelling<MacTableManager> {
  static constexpr const char* kNames[] = {"", "kernel", "libvirt"};
};

// A parameter of a network filter reference.
struct FilterParameter {
  std::string name, value;
};
struct FilterRef {
  std::string filter;
  std::vector<FilterParameter> parameters;
};

}  // namespace bv::model
