#include "network/firewall_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "host/netfilter.h"

namespace bv::network {

using host::FirewallLayer;
using host::FirewallRule;
using model::ForwardMode;
using model::NetworkDef;

namespace {

class Rules {
 public:
  explicit Rules(const NetworkDef& def) : def_(def), bridge_(NetfilterWord(def.bridge.name)) {
    if (!def.forward.interfaces.empty()) device_ = NetfilterWord(def.forward.interfaces[0].dev);
  }

  std::vector<FirewallRule> Make() {
    General();
    for (auto& ip : def_.ips) {
      bool translate = def_.forward.mode == ForwardMode::kNat && (ip.v4() || def_.forward.nat_ipv6 == model::YesNo::kYes);
      if (translate) Translate(ip);
      else if (def_.forward.mode == ForwardMode::kNat || def_.forward.mode == ForwardMode::kRoute) Forward(ip, "");
    }
    return std::move(rules_);
  }

 private:
  void Add(FirewallLayer layer, const char* table, const char* chain, std::string rule) {
    rules_.push_back({layer, table, chain, std::move(rule)});
  }

  void Allow(FirewallLayer layer, const char* protocol, int in_port, int out_port) {
    std::string match = fmt::format("-p {0} -m {0} --dport ", protocol);
    Add(layer, "filter", "LIBVIRT_INP", fmt::format("-i {} {}{} -j ACCEPT", bridge_, match, in_port));
    Add(layer, "filter", "LIBVIRT_OUT", fmt::format("-o {} {}{} -j ACCEPT", bridge_, match, out_port));
  }

  // Guests among themselves, and nothing else that is not allowed.
  void Close(FirewallLayer layer) {
    std::string reject = layer == FirewallLayer::kIpv4 ? " -j REJECT --reject-with icmp-port-unreachable"
                                                       : " -j REJECT --reject-with icmp6-port-unreachable";
    Add(layer, "filter", "LIBVIRT_FWO", "-i " + bridge_ + reject);
    Add(layer, "filter", "LIBVIRT_FWI", "-o " + bridge_ + reject);
    Add(layer, "filter", "LIBVIRT_FWX", "-i " + bridge_ + " -o " + bridge_ + " -j ACCEPT");
  }

  void General() {
    for (auto [in, out] : {std::pair(67, 68), std::pair(53, 53)}) {
      for (const char* protocol : {"tcp", "udp"}) Allow(FirewallLayer::kIpv4, protocol, in, out);
    }
    if (std::ranges::any_of(def_.ips, [](auto& ip) { return !ip.tftp_root.empty(); })) Allow(FirewallLayer::kIpv4, "udp", 69, 69);
    Close(FirewallLayer::kIpv4);
    bool v6 = std::ranges::any_of(def_.ips, [](auto& ip) { return !ip.v4(); });
    if (!v6 && !def_.ipv6) return;
    Close(FirewallLayer::kIpv6);
    if (!v6) return;
    for (const char* protocol : {"tcp", "udp"}) Allow(FirewallLayer::kIpv6, protocol, 53, 53);
    Allow(FirewallLayer::kIpv6, "udp", 547, 546);
  }

  static FirewallLayer LayerOf(const model::NetworkIp& ip) { return ip.v4() ? FirewallLayer::kIpv4 : FirewallLayer::kIpv6; }
  static std::string Subnet(const model::NetworkIp& ip) {
    unsigned prefix = PrefixOf(ip);
    return ip.address.Masked(prefix).ToString() + "/" + std::to_string(prefix);
  }
  std::string Via(const char* option) const { return device_.empty() ? "" : std::string(" ") + option + " " + device_; }

  void Forward(const model::NetworkIp& ip, const std::string& answers) {
    std::string net = Subnet(ip);
    Add(LayerOf(ip), "filter", "LIBVIRT_FWO", "-s " + net + " -i " + bridge_ + Via("-o") + " -j ACCEPT");
    Add(LayerOf(ip), "filter", "LIBVIRT_FWI", "-d " + net + Via("-i") + " -o " + bridge_ + answers + " -j ACCEPT");
  }

  void Translate(const model::NetworkIp& ip) {
    FirewallLayer layer = LayerOf(ip);
    Forward(ip, " -m conntrack --ctstate RELATED,ESTABLISHED");
    auto& forward = def_.forward;
    std::string from = "-s " + Subnet(ip), outside = from + " ! -d " + Subnet(ip) + Via("-o");
    unsigned first = forward.port_start, last = forward.port_end;
    if (!first && !last) first = 1024, last = 65535;
    if (first >= last) {
      throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, fmt::format("Invalid port range '{}-{}'.", first, last));
    }
    std::string target = " -j MASQUERADE", ports = fmt::format(" --to-ports {}-{}", first, last);
    if (ip.v4() && forward.address_start) {
      std::string range = forward.address_start->ToString();
      if (forward.address_end != forward.address_start) range += "-" + forward.address_end->ToString();
      target = " -j SNAT --to-source " + range;
      ports = fmt::format(":{}-{}", first, last);
    }
    Add(layer, "nat", "LIBVIRT_PRT", outside + target);
    for (const char* protocol : {"udp", "tcp"}) Add(layer, "nat", "LIBVIRT_PRT", outside + " -p " + protocol + target + ports);
    // Not what stays on the link.
    for (const char* local : {"255.255.255.255/32", "224.0.0.0/24", "ff02::/16"}) {
      bool v4 = std::string_view(local).find(':') == std::string_view::npos;
      if (v4 == ip.v4()) Add(layer, "nat", "LIBVIRT_PRT", from + " -d " + local + Via("-o") + " -j RETURN");
    }
  }

  const NetworkDef& def_;
  std::string bridge_, device_;
  std::vector<FirewallRule> rules_;
};

bool Guarded(const NetworkDef& def) { return def.has_own_bridge() && def.forward.mode != ForwardMode::kOpen; }

}  // namespace

std::vector<host::FirewallChain> NetworkChains() {
  return {{"filter", "LIBVIRT_INP", "INPUT"},    {"filter", "LIBVIRT_OUT", "OUTPUT"},      {"filter", "LIBVIRT_FWX", "FORWARD"},
          {"filter", "LIBVIRT_FWI", "FORWARD"},  {"filter", "LIBVIRT_FWO", "FORWARD"},     {"nat", "LIBVIRT_PRT", "POSTROUTING"},
          {"mangle", "LIBVIRT_PRT", "POSTROUTING"}};
}

std::vector<FirewallRule> NetworkRules(const NetworkDef& def) { return Guarded(def) ? Rules(def).Make() : std::vector<FirewallRule>(); }

std::vector<FirewallRule> ChecksumRules(const NetworkDef& def) {
  bool serves = std::ranges::any_of(def.ips, [](auto& ip) { return ip.v4() && ip.has_dhcp(); });
  if (!Guarded(def) || !serves) return {};
  return {{FirewallLayer::kIpv4, "mangle", "LIBVIRT_PRT", "-o " + def.bridge.name + " -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill"}};
}

}  // namespace bv::network
