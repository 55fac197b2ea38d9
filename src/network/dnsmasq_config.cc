#include "network/dnsmasq_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/xml.h"
#include "daemon/definition_files.h"

namespace bv::network {

using model::ForwardMode;
using model::NetworkDef;
using model::NetworkIp;
using model::YesNo;

namespace {

bool ServesNames(const NetworkDef& def) { return def.dns.enable != YesNo::kNo; }

bool ServesAddresses(const NetworkDef& def) {
  return std::ranges::any_of(def.ips, [](auto& ip) { return ip.has_dhcp(); });
}

const NetworkIp* DhcpIp(const NetworkDef& def, bool v4) {
  auto found = std::ranges::find_if(def.ips, [&](auto& ip) { return ip.v4() == v4 && ip.has_dhcp(); });
  return found == def.ips.end() ? nullptr : &*found;
}

// ",infinite", ",10m"; nothing where the server's default will do.
std::string Lease(const std::optional<model::LeaseTime>& lease) {
  if (!lease) return {};
  if (lease->expiry == 0) return ",infinite";
  constexpr char kUnits[] = {'s', 'm', 'h'};
  return fmt::format(",{}{}", lease->expiry, kUnits[static_cast<int>(lease->unit)]);
}

// A number of an SRV record stands only behind those before it, which then need a value.
std::string Srv(const model::DnsSrv& srv) {
  std::string line = "srv-host=_" + srv.service + "._" + srv.protocol;
  if (srv.domain) line += "." + *srv.domain;
  if (!srv.target || *srv.target == ".") return line;
  line += "," + *srv.target;
  if (srv.port || srv.priority || srv.weight) line += fmt::format(",{}", srv.port ? srv.port : 1);
  if (srv.priority || srv.weight) line += fmt::format(",{}", srv.priority);
  if (srv.weight) line += fmt::format(",{}", srv.weight);
  return line;
}

class Conf {
 public:
  Conf(const NetworkDef& def, const NetworkPaths& paths, const DnsmasqFiles& files) : def_(def), paths_(paths), files_(files) {}

  std::string Make() {
    Header();
    Line("strict-order");
    Names();
    Line("pid-file=" + paths_.DnsmasqPid(EscapedName()));
    Line("except-interface=lo");
    Line("bind-dynamic");
    Line("interface=" + def_.bridge.name);
    if (def_.forward.mode == ForwardMode::kNone) {
      // Guests that reach nobody outside are told of no router and no names.
      Line("dhcp-option=3");
      Line("no-resolv");
      Line("ra-param=*,0,0");
    }
    for (auto& txt : def_.dns.txts) Line("txt-record=" + txt.name + "," + txt.value);
    for (auto& srv : def_.dns.srvs) Line(Srv(srv));
    const NetworkIp *v4 = DhcpIp(def_, true), *v6 = DhcpIp(def_, false);
    for (auto& ip : def_.ips) {
      if (!ip.tftp_root.empty()) {
        Line("enable-tftp");
        Line("tftp-root=" + ip.tftp_root);
      }
      if (ip.has_dhcp()) Dhcp(ip);
    }
    if (leases_ > 0) Line(fmt::format("dhcp-lease-max={}", leases_));
    if (v4 || v6) Line("dhcp-hostsfile=" + files_.hosts_path);
    if (ServesNames(def_)) Line("addn-hosts=" + files_.addn_hosts_path);
    if (def_.mtu) Line(fmt::format("dhcp-option=option:mtu,{}", def_.mtu));
    if (v6) {
      Line("enable-ra");
    } else {
      for (auto& ip : def_.ips) {
        if (!ip.v4()) Line("dhcp-range=" + ip.address.ToString() + ",ra-only");
      }
    }
    for (auto& option : def_.dnsmasq_options) Line(option);
    return std::move(text_);
  }

 private:
  // What a definition says is one line at most: a second could be any setting.
  void Line(const std::string& line) {
    if (line.find('\n') != std::string::npos) {
      throw Error(ErrorDomain::kNetwork, ErrorCode::kXmlError, "a line break within '" + line.substr(0, line.find('\n')) + "'");
    }
    text_ += line + "\n";
  }

  void Header() {
    text_ = fmt::format(
        "##WARNING: THIS IS AN AUTO-GENERATED FILE, which the daemon rewrites. Change the network instead:\n"
        "##    virsh net-edit {}\n",
        def_.uuid.ToString());
  }

  std::string EscapedName() const {
    std::string name;
    xml::AppendEscaped(&name, def_.name);
    return name;
  }

  // Who is asked about what, and what is never asked outside.
  void Names() {
    if (!ServesNames(def_)) Line("port=0");
    bool all = false;
    for (auto& forwarder : def_.dns.forwarders) {
      std::string whom = forwarder.address ? forwarder.address->ToString() : "#";
      Line(forwarder.domain ? "server=/" + *forwarder.domain + "/" + whom : "server=" + whom);
      all |= !forwarder.domain;
    }
    if (all) Line("no-resolv");
    if (def_.domain) {
      if (def_.domain_local == YesNo::kYes) Line("local=/" + *def_.domain + "/");
      Line("domain=" + *def_.domain);
      Line("expand-hosts");
    }
    if (def_.dns.forward_plain_names == YesNo::kNo) {
      Line("domain-needed");
      Line("local=//");
    }
    for (auto& ip : def_.ips) {
      if (ip.local_ptr != YesNo::kYes) continue;
      unsigned prefix = PrefixOf(ip);
      auto zone = ip.address.ReverseZone(prefix);
      if (!zone) {
        throw Error(ErrorDomain::kNetwork, ErrorCode::kConfigUnsupported,
                    fmt::format("PTR domain for {} network with prefix {} cannot be automatically created", ip.v4() ? "IPv4" : "IPv6", prefix));
      }
      Line("local=/" + *zone + "/");
    }
  }

  void Dhcp(const NetworkIp& ip) {
    unsigned prefix = PrefixOf(ip);
    for (auto& range : ip.ranges) {
      std::string width = ip.v4() ? Ip::Netmask(true, prefix).ToString() : std::to_string(prefix);
      Line("dhcp-range=" + range.start.ToString() + "," + range.end.ToString() + "," + width + Lease(range.lease));
      leases_ += Ip::Distance(range.start, range.end).value_or(0) + 1;
    }
    if (ip.ranges.empty()) Line("dhcp-range=" + ip.address.ToString() + ",static" + (ip.v4() ? "" : "," + std::to_string(prefix)));
    if (!ip.v4()) return;
    Line("dhcp-no-override");
    Line("dhcp-authoritative");
    if (ip.bootp_file.empty()) return;
    Line("dhcp-boot=" + ip.bootp_file + (ip.bootp_server ? ",," + ip.bootp_server->ToString() : ""));
  }

  const NetworkDef& def_;
  const NetworkPaths& paths_;
  const DnsmasqFiles& files_;
  std::string text_;
  std::uint64_t leases_ = 0;
};

std::string HostLine(const NetworkIp& ip, const model::DhcpHost& host) {
  std::string line, address = ip.v4() ? host.ip->ToString() : "[" + host.ip->ToString() + "]";
  auto add = [&](const std::string& part) { line += (line.empty() ? "" : ",") + part; };
  if (ip.v4()) {
    if (host.mac) {
      add(*host.mac);
      add(address);
      if (host.name) add(*host.name);
    } else {
      add(*host.name);
      add(address);
    }
  } else {
    if (host.id && !host.id->empty()) add("id:" + *host.id);
    if (host.name) add(*host.name);
    add(address);
  }
  return line + Lease(host.lease) + "\n";
}

}  // namespace

bool NeedsDnsmasq(const NetworkDef& def) { return !def.ips.empty() && (ServesNames(def) || ServesAddresses(def)); }

DnsmasqFiles MakeDnsmasqFiles(const NetworkDef& def, const NetworkPaths& paths) {
  DnsmasqFiles files;
  std::string escaped;
  xml::AppendEscaped(&escaped, def.name);
  files.conf_path = paths.DnsmasqConf(def.name);
  files.hosts_path = paths.dnsmasq_dir + "/" + escaped + ".hostsfile";
  files.addn_hosts_path = paths.dnsmasq_dir + "/" + escaped + ".addnhosts";
  files.conf = Conf(def, paths, files).Make();
  for (auto& ip : def.ips) {
    for (auto& host : ip.hosts) files.hosts += HostLine(ip, host);
  }
  for (auto& host : def.dns.hosts) {
    files.addn_hosts += host.ip->ToString() + "\t";
    for (auto& name : host.names) files.addn_hosts += name + "\t";
    files.addn_hosts += "\n";
  }
  return files;
}

}  // namespace bv::network
