#include "network/starter.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "host/net_link.h"
#include "host/bandwidth.h"
#include "network/firewall_rules.h"

namespace bv::network {

using host::FirewallLayer;
using model::ForwardMode;
using model::NetworkDef;

namespace {

constexpr char kSource[] = "network.bridge_driver";

bool HasV6(const NetworkDef& def) {
  return std::ranges::any_of(def.ips, [](auto& ip) { return !ip.v4(); });
}

void Sysctl(const std::string& path, const char* value) {
  try {
    WriteToFile("/proc/sys/net/" + path, value);
  } catch (const Error& error) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kSystemError, error.message);
  }
}

// The host takes no addresses or routes from guests, and has IPv6 only where the network does.
void SetIpv6(const NetworkDef& def) {
  std::string conf = "ipv6/conf/" + def.bridge.name + "/";
  if (!FileExists("/proc/sys/net/" + conf + "disable_ipv6")) return;
  Sysctl(conf + "disable_ipv6", HasV6(def) ? "0" : "1");
  Sysctl(conf + "accept_ra", "0");
  Sysctl(conf + "autoconf", "0");
}

void CheckCollisions(const NetworkDef& def) {
  auto routes = ReadFileIfExists("/proc/net/route");
  if (!routes) return;
  auto fail = [&](std::string text) { throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, std::move(text)); };
  for (std::string_view line : SplitAt(*routes, '\n')) {
    auto words = Words(line);
    if (words.size() < 8 || words[0] == "Iface") continue;
    // In the host's byte order, as the kernel prints its own numbers.
    auto address = [&](std::string_view hex) {
      return Ip::V4(ntohl(static_cast<std::uint32_t>(std::strtoul(std::string(hex).c_str(), nullptr, 16))));
    };
    Ip network = address(words[1]), mask = address(words[7]);
    for (auto& ip : def.ips) {
      if (!ip.v4()) continue;
      unsigned prefix = PrefixOf(ip);
      if (prefix > 0 && ip.address.Masked(prefix) == network && Ip::Netmask(true, prefix) == mask) {
        fail("Network is already in use by interface " + std::string(words[0]));
      }
    }
    for (auto& route : def.routes) {
      if (!route.address.v4() || PrefixOf(route) == 0) continue;
      if (route.address == network && Ip::Netmask(true, PrefixOf(route)) == mask) {
        fail("Route address '" + route.address.ToString() + "' conflicts with IP address for '" + std::string(words[0]) + "'");
      }
    }
  }
}

void CheckAddresses(const NetworkDef& def) {
  for (auto& ip : def.ips) {
    bool contiguous = !ip.netmask || ip.netmask->PrefixOfMask();
    bool classless = !ip.netmask && PrefixOf(ip) == 0;
    if (contiguous && !classless) continue;
    throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "bridge '" + def.bridge.name + "' has an invalid netmask or IP address");
  }
}

void AddAddresses(const NetworkDef& def) {
  CheckAddresses(def);
  host::NetLink link(def.bridge.name);
  for (auto& ip : def.ips) link.AddAddress(ip.address, PrefixOf(ip));
}

void RaiseBridge(const NetworkDef& def) {
  host::NetLink link(def.bridge.name);
  link.SetUp(true);
  for (auto& route : def.routes) link.AddRoute(route.address, PrefixOf(route), route.gateway, route.metric ? route.metric : 1);
  if (def.forward.mode == ForwardMode::kNone) return;
  bool v4 = std::ranges::any_of(def.ips, [](auto& ip) { return ip.v4(); });
  if (v4) Sysctl("ipv4/ip_forward", "1\n");
  if (HasV6(def)) Sysctl("ipv6/conf/all/forwarding", "1\n");
}

}  // namespace

void NetworkStarter::FindDevices(NetworkDef& def) {
  if (def.forward.pf.empty() || !def.forward.interfaces.empty()) return;
  std::string device = "/sys/class/net/" + def.forward.pf + "/device";
  for (const std::string& name : ListDirectory(device)) {
    if (!name.starts_with("virtfn")) continue;
    if (def.forward.mode == ForwardMode::kHostdev) {
      char target[256];
      ssize_t length = readlink((device + "/" + name).c_str(), target, sizeof target - 1);
      if (length <= 0) continue;
      std::string address(target, static_cast<std::size_t>(length));
      address = address.substr(address.rfind('/') + 1);
      model::ForwardInterface function;
      function.is_pci = true;
      if (std::sscanf(address.c_str(), "%x:%x:%x.%x", &function.pci.domain, &function.pci.bus, &function.pci.slot, &function.pci.function) == 4) {
        def.forward.interfaces.push_back(std::move(function));
      }
      continue;
    }
    auto interfaces = ListDirectory(device + "/" + name + "/net");
    if (!interfaces.empty()) def.forward.interfaces.emplace_back().dev = interfaces[0];
  }
  if (!def.forward.interfaces.empty()) return;
  throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "No usable Vf's present on SRIOV PF " + def.forward.pf);
}

Task<> NetworkStarter::InsertRules(NetworkDef def) {
  auto rules = NetworkRules(def), checksum = ChecksumRules(def);
  if (rules.empty()) co_return;
  for (FirewallLayer layer : {FirewallLayer::kIpv4, FirewallLayer::kIpv6}) {
    bool& ready = chains_[static_cast<int>(layer)];
    if (ready) continue;
    auto chains = NetworkChains();
    co_await host::Firewall::MakeChains(layer, std::move(chains));
    ready = true;
  }
  auto all = rules;
  all.insert(all.end(), checksum.begin(), checksum.end());
  std::exception_ptr failed;
  try {
    co_await host::Firewall::Insert(std::move(all));
  } catch (const Error&) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  // What may be wrong is what not every kernel has, or chains that somebody took away.
  ForgetChains();
  if (checksum.empty()) std::rethrow_exception(failed);
  auto plain = rules;
  co_await host::Firewall::Insert(std::move(plain));
}

Task<> NetworkStarter::RemoveRules(NetworkDef def) {
  std::vector<host::FirewallRule> rules = ChecksumRules(def);
  try {
    auto more = NetworkRules(def);
    rules.insert(rules.end(), more.begin(), more.end());
  } catch (const Error&) {
    co_return;  // they never were
  }
  if (!rules.empty()) co_await host::Firewall::Remove(std::move(rules));
}

Task<> NetworkStarter::RenewRules(NetworkDef def) {
  co_await RemoveRules(def);
  co_await InsertRules(def);
}

Task<> NetworkStarter::MakeBridge(NetworkDef def) {
  auto make = [def] {
    CheckCollisions(def);
    host::NetLink link(def.bridge.name);
    link.CreateBridge(def.mac);
    try {
      link.SetBridge(def.bridge.stp, def.bridge.delay * 100);
      if (def.bridge.mac_table_manager == model::MacTableManager::kLibvirt) link.SetVlanFiltering();
      if (def.mtu) link.SetMtu(def.mtu);
      SetIpv6(def);
    } catch (...) {
      link.Delete();
      throw;
    }
  };
  co_await Offload(make);
}

Task<> NetworkStarter::StartOwn(NetworkDef def) {
  if (!def.bridge.zone.empty()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                "zone " + def.bridge.zone + " requested for network " + def.name + " but firewalld is not active");
  }
  co_await InsertRules(def);
  auto address = [def] { AddAddresses(def); };
  auto raise = [def] { RaiseBridge(def); };
  co_await Offload(address);
  co_await Offload(raise);
  co_await dnsmasq_.Start(def);
  if (def.bandwidth) co_await host::ShapeBridge(def.bridge.name, *def.bandwidth);
}

Task<> NetworkStarter::Start(NetworkDef def) {
  if (!def.has_own_bridge()) {
    auto prepare = [def] {
      if (def.bridge.mac_table_manager == model::MacTableManager::kLibvirt) host::NetLink(def.bridge.name).SetVlanFiltering();
    };
    co_await Offload(prepare);
    if (def.bandwidth && !def.bridge.name.empty()) co_await host::ShapeBridge(def.bridge.name, *def.bandwidth);
    co_return;
  }
  co_await MakeBridge(def);
  std::exception_ptr failed;
  try {
    co_await StartOwn(def);
  } catch (...) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  co_await Stop(def);
  std::rethrow_exception(failed);
}

Task<> NetworkStarter::Stop(NetworkDef def) {
  if (def.bandwidth && !def.bridge.name.empty()) co_await host::Unshape(def.bridge.name);
  if (!def.has_own_bridge()) co_return;
  co_await dnsmasq_.Stop(def);
  auto remove = [def] {
    try {
      host::NetLink link(def.bridge.name);
      link.SetUp(false);
      link.Delete();
    } catch (const Error& error) {
      LogWarn(kSource, "network '{}': {}", def.name, error.message);
    }
  };
  co_await Offload(remove);
  try {
    co_await RemoveRules(def);
  } catch (const Error& error) {
    LogWarn(kSource, "network '{}': {}", def.name, error.message);
  }
}

}  // namespace bv::network
