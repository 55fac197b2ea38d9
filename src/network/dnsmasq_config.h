#pragma once

#include <string>

#include "network/network_files.h"

namespace bv::network {

// What dnsmasq reads of a network: its configuration, and the two files that it reads again at SIGHUP.
struct DnsmasqFiles {
  std::string conf, conf_path;
  std::string hosts, hosts_path;          // who gets which address
  std::string addn_hosts, addn_hosts_path;  // names that it answers
};

// Whether the network needs a dnsmasq at all.
bool NeedsDnsmasq(const model::NetworkDef& def);

// Throws kConfigUnsupported for what dnsmasq cannot do.
DnsmasqFiles MakeDnsmasqFiles(const model::NetworkDef& def, const NetworkPaths& paths);

}  // namespace bv::network
