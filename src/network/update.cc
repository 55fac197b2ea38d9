#include "network/update.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/xml.h"

namespace bv::network {

using model::NetworkDef;
using model::NetworkIp;

namespace {

// virNetworkUpdateCommand
enum Command : unsigned { kNoCommand, kModify, kDelete, kAddLast, kAddFirst };
// virNetworkUpdateSection
enum Section : unsigned {
  kNoSection, kBridge, kDomain, kIp, kDhcpHost, kDhcpRange, kForward, kForwardInterface, kForwardPf, kPortGroup, kDnsHost, kDnsTxt, kDnsSrv,
};
constexpr const char* kSectionNames[] = {"none", "bridge", "domain", "ip", "ip-dhcp-host", "ip-dhcp-range", "forward",
                                         "forward interface", "forward pf", "portgroup", "dns-host", "dns-txt", "dns-srv"};

[[noreturn]] void Invalid(std::string text) { throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationInvalid, std::move(text)); }
[[noreturn]] void Unsupported(std::string text) { throw Error(ErrorDomain::kNetwork, ErrorCode::kOperationUnsupported, std::move(text)); }

class Update {
 public:
  Update(NetworkDef& def, unsigned command, unsigned section, int parent, const std::string& xml)
      : def_(def), command_(command), section_(section), parent_(parent), document_(xml::Document::Parse(xml, ErrorDomain::kNetwork, "network_update_xml")) {}

  void Apply() {
    switch (section_) {
      case kDhcpHost: return DhcpHost();
      case kDhcpRange: return DhcpRange();
      case kForwardInterface: return ForwardInterface();
      case kPortGroup: return PortGroup();
      case kDnsHost: return DnsHost();
      case kDnsTxt: return DnsTxt();
      case kDnsSrv: return DnsSrv();
      default: break;
    }
  }

 private:
  const xml::Node& Root(const char* element) const {
    const xml::Node& root = document_.root();
    if (!root.Is(element)) {
      throw Error(ErrorDomain::kNetwork, ErrorCode::kXmlError,
                  std::string("unexpected element <") + std::string(root.name) + ">, expecting <" + element + ">, while updating network '" + def_.name + "'");
    }
    return root;
  }

  bool deletes() const { return command_ == kDelete; }
  bool adds() const { return command_ == kAddFirst || command_ == kAddLast; }
  [[noreturn]] void NoSuchCommand() const {
    Unsupported(fmt::format("unrecognized network update command code {}", command_));
  }
  [[noreturn]] void CannotModify(const char* what) const {
    Unsupported(std::string(what) + " cannot be modified, only added or deleted");
  }

  template <typename T>
  void Add(std::vector<T>& list, T element) const {
    list.insert(command_ == kAddFirst ? list.begin() : list.end(), std::move(element));
  }

  // The address that the change is about: by its number, or else the one that has DHCP, or the first.
  NetworkIp& ParentIp() {
    auto& ips = def_.ips;
    if (parent_ >= 0) {
      if (static_cast<std::size_t>(parent_) < ips.size()) return ips[static_cast<std::size_t>(parent_)];
      Invalid(fmt::format("couldn't update dhcp host entry - no <ip> element found at index {} in network '{}'", parent_, def_.name));
    }
    auto found = std::ranges::find_if(ips, [](auto& ip) { return ip.has_dhcp(); });
    if (found != ips.end()) return *found;
    found = std::ranges::find_if(ips, [](auto& ip) { return ip.v4(); });
    if (found != ips.end()) return *found;
    Invalid("couldn't update dhcp host entry - no <ip> element found in network '" + def_.name + "'");
  }

  void DhcpHost() {
    NetworkIp& ip = ParentIp();
    const xml::Node& root = Root("host");
    model::DhcpHost host = model::ParseDhcpHost(def_, ip, root, deletes());
    auto same_mac = [](auto& a, auto& b) {
      return a.mac && b.mac && model::MacAddress::Parse(*a.mac) == model::MacAddress::Parse(*b.mac);
    };
    auto same = [&](auto& one) {
      return same_mac(one, host) || (host.name && one.name == host.name) || (host.ip && one.ip == host.ip);
    };
    auto told = [&] { return fmt::format("mac='{}' name='{}' ip='{}'", host.mac.value_or(""), host.name.value_or(""), host.ip ? host.ip->ToString() : ""); };
    if (command_ == kModify) {
      // One thing that is the same is enough to know it by; the rest is new.
      auto found = std::ranges::find_if(ip.hosts, same);
      if (found == ip.hosts.end()) {
        Invalid("couldn't locate an existing dhcp host entry with \"mac='" + host.mac.value_or("") + "'\" in network '" + def_.name + "'");
      }
      *found = std::move(host);
    } else if (adds()) {
      if (std::ranges::any_of(ip.hosts, same)) Invalid("there is an existing dhcp host entry in network '" + def_.name + "' that matches \"<host " + told() + "/>\"");
      Add(ip.hosts, std::move(host));
    } else if (deletes()) {
      // What is said must be so.
      auto found = std::ranges::find_if(ip.hosts, [&](auto& one) {
        return (!host.mac || same_mac(one, host)) && (!host.name || one.name == host.name) && (!host.ip || one.ip == host.ip);
      });
      if (found == ip.hosts.end()) Invalid("couldn't locate a matching dhcp host entry in network '" + def_.name + "'");
      ip.hosts.erase(found);
    } else {
      NoSuchCommand();
    }
  }

  void DhcpRange() {
    NetworkIp& ip = ParentIp();
    const xml::Node& root = Root("range");
    if (command_ == kModify) CannotModify("dhcp ranges");
    model::DhcpRange range = model::ParseDhcpRange(def_, ip, root);
    auto found = std::ranges::find_if(ip.ranges, [&](auto& one) { return one.start == range.start && one.end == range.end; });
    if (adds()) {
      if (found != ip.ranges.end()) {
        Invalid("there is an existing dhcp range entry in network '" + def_.name + "' that matches \"<range start='" +
                range.start.ToString() + "' end='" + range.end.ToString() + "'/>\"");
      }
      Add(ip.ranges, std::move(range));
    } else if (deletes()) {
      if (found == ip.ranges.end()) Invalid("couldn't locate a matching dhcp range entry in network '" + def_.name + "'");
      ip.ranges.erase(found);
    } else {
      NoSuchCommand();
    }
  }

  void ForwardInterface() {
    const xml::Node& root = Root("interface");
    if (command_ == kModify) CannotModify("forward interface entries");
    model::ForwardInterface device = model::ParseForwardInterface(def_, root);
    auto& list = def_.forward.interfaces;
    auto found = std::ranges::find_if(list, [&](auto& one) { return !one.is_pci && one.dev == device.dev; });
    if (adds()) {
      if (found != list.end()) {
        Invalid("there is an existing interface entry in network '" + def_.name + "' that matches \"<interface dev='" + device.dev + "'>\"");
      }
      Add(list, std::move(device));
    } else if (deletes()) {
      if (found == list.end()) {
        Invalid("couldn't find an interface entry in network '" + def_.name + "' matching <interface dev='" + device.dev + "'>");
      }
      if (found->connections > 0) {
        Invalid(fmt::format("unable to delete interface '{}' in network '{}'. It is currently being used by {} domains.", device.dev, def_.name,
                            found->connections));
      }
      list.erase(found);
    } else {
      NoSuchCommand();
    }
  }

  void PortGroup() {
    model::PortGroup group = model::ParsePortGroup(Root("portgroup"));
    auto& list = def_.port_groups;
    auto found = std::ranges::find_if(list, [&](auto& one) { return one.name == group.name; });
    bool there = found != list.end();
    if (!there && (command_ == kModify || deletes())) {
      Invalid("couldn't find a portgroup entry in network '" + def_.name + "' matching <portgroup name='" + group.name + "'>");
    }
    if (there && adds()) {
      Invalid("there is an existing portgroup entry in network '" + def_.name + "' that matches \"<portgroup name='" + group.name + "'>\"");
    }
    auto other = std::ranges::find_if(list, [&](auto& one) { return one.is_default && one.name != group.name; });
    if (group.is_default && other != list.end() && !deletes()) {
      Invalid("a different portgroup entry in network '" + def_.name + "' is already set as the default. Only one default is allowed.");
    }
    if (command_ == kModify) *found = std::move(group);
    else if (adds()) Add(list, std::move(group));
    else if (deletes()) list.erase(found);
    else NoSuchCommand();
  }

  // Of records of the name server: `matches` finds the one that is deleted, `same` one that forbids to add.
  template <typename T, typename Same, typename Matches>
  void Record(std::vector<T>& list, T record, const char* what, Same same, Matches matches) {
    std::string name = what;
    if (adds()) {
      if (std::ranges::any_of(list, same)) Invalid("there is already at least one matching " + name + " record in network " + def_.name);
      if (def_.dns.enable == model::YesNo::kNo) {
        throw Error(ErrorDomain::kNetwork, ErrorCode::kXmlError, "Extra data in disabled network '" + def_.name + "'");
      }
      Add(list, std::move(record));
    } else if (deletes()) {
      auto count = std::ranges::count_if(list, matches);
      if (count == 0) Invalid("couldn't locate a matching " + name + " record in network " + def_.name);
      if (count > 1) Invalid("multiple matching " + name + " records were found in network " + def_.name);
      list.erase(std::ranges::find_if(list, matches));
    } else {
      NoSuchCommand();
    }
  }

  void DnsHost() {
    if (command_ == kModify) CannotModify("DNS HOST records");
    model::DnsHost host = model::ParseDnsHost(def_, Root("host"), deletes());
    auto& list = def_.dns.hosts;
    auto shares_name = [&](const model::DnsHost& one) {
      return std::ranges::any_of(one.names, [&](auto& name) { return std::ranges::find(host.names, name) != host.names.end(); });
    };
    auto same = [&](const model::DnsHost& one) { return one.ip == host.ip; };
    auto matches = [&](const model::DnsHost& one) { return (host.ip && one.ip == host.ip) || shares_name(one); };
    Record(list, host, "DNS HOST", same, matches);
  }

  void DnsTxt() {
    if (command_ == kModify) CannotModify("DNS TXT records");
    model::DnsTxt txt = model::ParseDnsTxt(def_, Root("txt"), deletes());
    auto matches = [&](const model::DnsTxt& one) { return one.name == txt.name; };
    Record(def_.dns.txts, txt, "DNS TXT", matches, matches);
  }

  void DnsSrv() {
    if (command_ == kModify) CannotModify("DNS SRV records");
    model::DnsSrv srv = model::ParseDnsSrv(def_, Root("srv"), deletes());
    auto matches = [&](const model::DnsSrv& one) {
      return (!srv.domain || one.domain == srv.domain) && (srv.service.empty() || one.service == srv.service) &&
             (srv.protocol.empty() || one.protocol == srv.protocol) && (!srv.target || one.target == srv.target);
    };
    Record(def_.dns.srvs, srv, "DNS SRV", matches, matches);
  }

  NetworkDef& def_;
  unsigned command_, section_;
  int parent_;
  xml::Document document_;
};

}  // namespace

void UpdateDefinition(NetworkDef& def, unsigned command, unsigned section, int parent, const std::string& xml) {
  switch (section) {
    case kDhcpHost:
    case kDhcpRange:
    case kForwardInterface:
    case kPortGroup:
    case kDnsHost:
    case kDnsTxt:
    case kDnsSrv: break;
    case kBridge:
    case kDomain:
    case kIp:
    case kForward:
    case kForwardPf:
      Unsupported(fmt::format("can't update '{}' section of network '{}'", kSectionNames[section], def.name));
    default: Unsupported("can't update unrecognized section of network");
  }
  Update(def, command, section, parent, xml).Apply();
}

UpdateEffect EffectOf(unsigned section) {
  switch (section) {
    case kDhcpHost:
    case kDnsHost: return UpdateEffect::kHosts;
    case kDhcpRange:
    case kDnsTxt:
    case kDnsSrv: return UpdateEffect::kServer;
    case kForwardInterface: return UpdateEffect::kRules;
    default: return UpdateEffect::kNone;
  }
}

}  // namespace bv::network
