#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/uuid.h"
#include "base/xml.h"
#include "model/domain/address.h"
#include "model/net_common.h"
#include "model/value.h"

// <network>: a virtual network of this host.
namespace bv::model {

enum class ForwardMode : std::uint8_t { kNone, kNat, kRoute, kOpen, kBridge, kPrivate, kVepa, kPassthrough, kHostdev };
template <>
struct Spelling<ForwardMode> {
  static constexpr const char* kNames[] = {"none", "nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev"};
};
enum class ForwardDriver : std::uint8_t { kDefault, kKvm, kVfio };
template <>
struct Spelling<ForwardDriver> {
  static constexpr const char* kNames[] = {"default", "kvm", "vfio"};
};

// A device that guests are given: an interface, or a function of a PCI device.
struct ForwardInterface {
  std::string dev;
  bool is_pci = false;
  PciAddress pci;
  unsigned connections = 0;  // live
};

struct NetworkForward {
  ForwardMode mode = ForwardMode::kNone;
  bool managed = false;
  ForwardDriver driver = ForwardDriver::kDefault;
  std::vector<ForwardInterface> interfaces;
  std::string pf;
  YesNo nat_ipv6 = YesNo::kAbsent;
  std::optional<Ip> address_start, address_end;
  unsigned port_start = 0, port_end = 0;
};

struct NetworkBridge {
  std::string name, zone;
  bool stp = true;
  std::uint64_t delay = 0;
  MacTableManager mac_table_manager = MacTableManager::kDefault;
};

enum class LeaseUnit : std::uint8_t { kSeconds, kMinutes, kHours };
template <>
struct Spelling<LeaseUnit> {
  static constexpr const char* kNames[] = {"seconds", "minutes", "hours"};
};
struct LeaseTime {
  std::uint64_t expiry = 0;  // 0: for ever
  LeaseUnit unit = LeaseUnit::kMinutes;
};

struct DhcpRange {
  Ip start, end;
  std::optional<LeaseTime> lease;
};
struct DhcpHost {
  std::optional<std::string> mac, id, name;  // as written
  std::optional<Ip> ip;
  std::optional<LeaseTime> lease;
};

struct NetworkIp {
  std::string family;  // "ipv4", "ipv6" or empty, which is IPv4
  Ip address;
  std::optional<Ip> netmask;
  unsigned prefix = 0;
  YesNo local_ptr = YesNo::kAbsent;
  std::string tftp_root;
  std::vector<DhcpRange> ranges;
  std::vector<DhcpHost> hosts;
  std::string bootp_file;
  std::optional<Ip> bootp_server;

  bool v4() const { return address.v4(); }
  bool has_dhcp() const { return !ranges.empty() || !hosts.empty(); }
};
// The bits of the network: what is given, or what the class of the address says.
unsigned PrefixOf(const NetworkIp& ip);

struct NetworkRoute {
  std::string family;
  Ip address, gateway;
  std::optional<Ip> netmask;
  std::optional<unsigned> prefix;
  unsigned metric = 0;  // 0: the default
};
unsigned PrefixOf(const NetworkRoute& route);

struct DnsForwarder {
  std::optional<Ip> address;
  std::optional<std::string> domain;
};
struct DnsTxt {
  std::string name, value;
};
struct DnsSrv {
  std::string service, protocol;
  std::optional<std::string> domain, target;
  unsigned port = 0, priority = 0, weight = 0;
};
struct DnsHost {
  std::optional<Ip> ip;  // always, but for one that is to be deleted
  std::vector<std::string> names;
};
struct NetworkDns {
  YesNo enable = YesNo::kAbsent, forward_plain_names = YesNo::kAbsent;
  std::vector<DnsForwarder> forwarders;
  std::vector<DnsTxt> txts;
  std::vector<DnsSrv> srvs;
  std::vector<DnsHost> hosts;
};

struct PortGroup {
  std::string name;
  bool is_default = false;
  YesNo trust_guest_rx_filters = YesNo::kAbsent;
  std::optional<VirtualPort> virtual_port;
  std::optional<Bandwidth> bandwidth;
  std::optional<Vlan> vlan;
};

struct NetworkDef {
  std::string name;
  Uuid uuid;  // made when the document has none
  bool ipv6 = false;  // guests may talk IPv6 to each other though the host has no address
  YesNo trust_guest_rx_filters = YesNo::kAbsent;
  unsigned connections = 0;  // live
  std::string metadata;  // the element, as it is written
  NetworkForward forward;
  NetworkBridge bridge;
  unsigned mtu = 0;
  std::optional<MacAddress> mac;
  bool mac_given = false;
  std::optional<std::string> domain;
  YesNo domain_local = YesNo::kAbsent;
  NetworkDns dns;
  std::optional<Vlan> vlan;
  std::optional<Bandwidth> bandwidth;
  YesNo isolated_ports = YesNo::kAbsent;
  std::vector<NetworkIp> ips;
  std::vector<NetworkRoute> routes;
  std::optional<VirtualPort> virtual_port;
  std::vector<PortGroup> port_groups;
  std::vector<std::string> dnsmasq_options;

  bool has_own_bridge() const;  // a bridge that starting the network makes
};

// Parsing
inline constexpr unsigned kNetworkValidate = 1 << 1;
// Formatting
inline constexpr unsigned kNetworkInactive = 1 << 0;

// Throws with domain kNetwork, among others.
NetworkDef ParseNetwork(std::string_view xml, unsigned flags);
NetworkDef ParseNetwork(const xml::Node& root, unsigned flags);
std::string FormatNetwork(const NetworkDef& network, unsigned flags);
void FormatNetwork(const NetworkDef& network, unsigned flags, xml::Writer& out);

// Parts of a network as virNetworkUpdate() gets them. `network` is whose they will be.
DhcpHost ParseDhcpHost(const NetworkDef& network, const NetworkIp& ip, const xml::Node& element, bool partial);
DhcpRange ParseDhcpRange(const NetworkDef& network, const NetworkIp& ip, const xml::Node& element);
ForwardInterface ParseForwardInterface(const NetworkDef& network, const xml::Node& element);
PortGroup ParsePortGroup(const xml::Node& element);
// `partial`: names what is to be deleted, so may leave much out.
DnsHost ParseDnsHost(const NetworkDef& network, const xml::Node& element, bool partial);
DnsTxt ParseDnsTxt(const NetworkDef& network, const xml::Node& element, bool partial);
DnsSrv ParseDnsSrv(const NetworkDef& network, const xml::Node& element, bool partial);

}  // namespace bv::model
