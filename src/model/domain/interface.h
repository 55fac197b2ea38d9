#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/domain/address.h"
#include "model/domain/chardev.h"
#include "model/domain/hostdev.h"
#include "model/net_common.h"
#include "model/value.h"

// <interface>
namespace bv::model {

enum class InterfaceType : std::uint8_t {
  kUser, kEthernet, kVhostUser, kServer, kClient, kMcast, kNetwork, kBridge, kInternal, kDirect, kHostdev, kUdp, kVdpa, kNull, kVds,
};
template <>
struct Spelling<InterfaceType> {
  static constexpr const char* kNames[] = {"user", "ethernet", "vhostuser", "server", "client", "mcast", "network", "bridge",
                                           "internal", "direct", "hostdev", "udp", "vdpa", "null", "vds"};
};
enum class MacvtapMode : std::uint8_t { kVepa, kPrivate, kBridge, kPassthrough };
template <>
struct Spelling<MacvtapMode> {
  static constexpr const char* kNames[] = {"vepa", "private", "bridge", "passthrough"};
};
enum class MacType : std::uint8_t { kDefault, kGenerated, kStatic };
template <>
struct Spelling<MacType> {
  static constexpr const char* kNames[] = {"", "generated", "static"};
};
enum class NetBackendType : std::uint8_t { kDefault, kPasst };
template <>
struct Spelling<NetBackendType> {
  static constexpr const char* kNames[] = {"default", "passt"};
};
enum class NetDriverName : std::uint8_t { kDefault, kQemu, kVhost };
template <>
struct Spelling<NetDriverName> {
  static constexpr const char* kNames[] = {"", "qemu", "vhost"};
};
enum class NetTxMode : std::uint8_t { kDefault, kIothread, kTimer };
template <>
struct Spelling<NetTxMode> {
  static constexpr const char* kNames[] = {"", "iothread", "timer"};
};
enum class LinkState : std::uint8_t { kDefault, kUp, kDown };
template <>
struct Spelling<LinkState> {
  static constexpr const char* kNames[] = {"", "up", "down"};
};
enum class TeamingType : std::uint8_t { kNone, kPersistent, kTransient };
template <>
struct Spelling<TeamingType> {
  static constexpr const char* kNames[] = {"", "persistent", "transient"};
};

struct PortForwardRange {
  unsigned start = 0, end = 0, to = 0;
  YesNo exclude = YesNo::kAbsent;
};
enum class PortForwardProto : std::uint8_t { kNone, kTcp, kUdp };
template <>
struct Spelling<PortForwardProto> {
  static constexpr const char* kNames[] = {"", "tcp", "udp"};
};
struct PortForward {
  PortForwardProto proto = PortForwardProto::kNone;
  std::string address, dev;
  std::vector<PortForwardRange> ranges;
};

struct NetOffloads {
  OnOff csum = OnOff::kAbsent, gso = OnOff::kAbsent, tso4 = OnOff::kAbsent, tso6 = OnOff::kAbsent, ecn = OnOff::kAbsent,
        ufo = OnOff::kAbsent, mrg_rxbuf = OnOff::kAbsent;
};

struct NetDriver {
  NetDriverName name = NetDriverName::kDefault;
  NetTxMode txmode = NetTxMode::kDefault;
  OnOff ioeventfd = OnOff::kAbsent, event_idx = OnOff::kAbsent;
  unsigned queues = 0, rx_queue_size = 0, tx_queue_size = 0;
  OnOff rss = OnOff::kAbsent, rss_hash_report = OnOff::kAbsent;
  NetOffloads host, guest;
  VirtioOptions virtio;
};

struct NetBackend {
  NetBackendType type = NetBackendType::kDefault;
  std::string tap, vhost, log_file;
};

struct VdsSource {
  Uuid switch_id;
  std::int64_t port_id = 0, connection_id = 0;
  std::string portgroup_id;
};

struct InterfaceTarget {
  std::string dev;
  YesNo managed = YesNo::kAbsent;
};

// Where an interface of type network really is connected: live and status XML only. The live XML of
// the interface shows it as the interface's own type and source.
struct ActualInterface;

struct Interface {
  InterfaceType type = InterfaceType::kUser;
  std::optional<MacAddress> mac;  // defaults generate it
  bool mac_generated = false;
  MacType mac_type = MacType::kDefault;
  YesNo mac_check = YesNo::kAbsent;
  std::string model;
  YesNo trust_guest_rx_filters = YesNo::kAbsent;

  // Source, by type
  std::string network, portgroup;    // network
  std::optional<Uuid> port_id;       // network, live
  std::string bridge;                // bridge
  MacTableManager mac_table_manager = MacTableManager::kDefault;
  std::string source_dev;            // direct, vdpa, user
  MacvtapMode direct_mode = MacvtapMode::kVepa;
  std::string address, local_address;  // server, client, mcast, udp
  std::int32_t port = 0, local_port = 0;
  std::string internal_name;
  Boxed<ChardevSource> vhostuser;    // vhostuser
  Boxed<Hostdev> hostdev;            // hostdev: source address, managed
  VdsSource vds;
  std::vector<IpAddress> host_ips;   // ethernet: in <source>
  std::vector<IpRoute> host_routes;

  std::optional<VirtualPort> virtual_port;
  std::vector<IpAddress> ips;
  std::vector<IpRoute> routes;
  std::vector<PortForward> port_forwards;
  std::string script, downscript, domain_name;
  InterfaceTarget target;
  std::string guest_dev, guest_actual;
  NetBackend backend;
  NetDriver driver;
  std::optional<FilterRef> filter;
  LinkState link = LinkState::kDefault;
  unsigned mtu = 0;
  std::optional<unsigned> coalesce_rx_frames_max;
  bool coalesce_given = false;
  std::optional<std::uint64_t> sndbuf;
  std::optional<Bandwidth> bandwidth;
  std::optional<Vlan> vlan;
  YesNo isolated = YesNo::kAbsent;
  TeamingType teaming = TeamingType::kNone;
  std::string teaming_persistent;
  DeviceInfo info;

  std::shared_ptr<ActualInterface> actual;
};

struct ActualInterface {
  Interface connection;  // its source, type, virtual port, bandwidth, vlan, isolation
  unsigned class_id = 0;
};

}  // namespace bv::model
