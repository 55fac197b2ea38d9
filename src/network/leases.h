#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/network.h"
#include "protocol/remote.h"

namespace bv::network {

// An address that dnsmasq gave out, as the lease helper keeps it: BRIDGE.status, a JSON array.
struct Lease {
  std::string ip, mac, hostname, client_id, iaid, server_duid;
  std::int64_t expiry = 0;  // seconds since 1970; 0: for ever
};

// Those in a file that have not run out. Blocks. Throws kInternalError when it is no such file.
std::vector<Lease> ReadLeases(const std::string& path);
std::string FormatLeases(const std::vector<Lease>& leases);
// All that the text says, whether they have run out or not.
std::vector<Lease> ParseLeases(const std::string& text);

// As clients are told of it.
remote::NetworkDhcpLease Describe(const Lease& lease, const model::NetworkDef& network);

// dnsmasq's --dhcp-script: `NAME add|old|del|init [MAC IP [HOSTNAME]]`, with more in DNSMASQ_* variables.
int LeasesHelperMain(int argc, char** argv);

}  // namespace bv::network
