#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/driver.h"
#include "network/network.h"

namespace bv::network {

// Where the driver keeps things; all names are the original's.
struct NetworkPaths {
  explicit NetworkPaths(const DriverEnvironment& environment);

  std::string config_dir, autostart_dir;  // /etc/libvirt/qemu/networks
  std::string state_dir;                  // /run/libvirt/network
  std::string dnsmasq_dir;                // /var/lib/libvirt/dnsmasq

  std::string Config(const std::string& name) const { return config_dir + "/" + name + ".xml"; }
  std::string AutostartLink(const std::string& name) const { return autostart_dir + "/" + name + ".xml"; }
  std::string Status(const std::string& name) const { return state_dir + "/" + name + ".xml"; }
  std::string Ports(const std::string& name) const { return state_dir + "/" + name + "/ports"; }
  std::string DnsmasqPid(const std::string& name) const { return state_dir + "/" + name + ".pid"; }
  std::string DnsmasqConf(const std::string& name) const { return dnsmasq_dir + "/" + name + ".conf"; }
  std::string Leases(const std::string& bridge) const { return dnsmasq_dir + "/" + bridge + ".status"; }
  std::string Macs(const std::string& bridge) const { return dnsmasq_dir + "/" + bridge + ".macs"; }
};

// What the status file of an active network says.
struct NetworkStatus {
  model::NetworkDef def;
  Bitmap class_ids;
  std::uint64_t floor_sum = 0;
};

std::string FormatConfig(const model::NetworkDef& def);
std::string FormatStatus(const Network& network);
NetworkStatus ParseStatus(const std::string& text);

// Everything below blocks. What cannot be read is logged and left out.
std::vector<NetworkStatus> ReadStatuses(const NetworkPaths& paths);
struct StoredNetwork {
  model::NetworkDef def;
  bool autostart = false;
};
std::vector<StoredNetwork> ReadConfigs(const NetworkPaths& paths);
std::vector<model::NetworkPortDef> ReadPorts(const NetworkPaths& paths, const std::string& network);

}  // namespace bv::network
