#pragma once

#include <vector>

#include "host/firewall.h"
#include "model/network.h"

namespace bv::network {

// The chains that all networks share.
std::vector<host::FirewallChain> NetworkChains();

// What lets a network's guests reach the host's services and, by its mode, the world; in the order in which the
// rules are inserted.
std::vector<host::FirewallRule> NetworkRules(const model::NetworkDef& def);
// Mends packets of DHCP servers whose checksum was left to hardware that is not there. Not every kernel can.
std::vector<host::FirewallRule> ChecksumRules(const model::NetworkDef& def);

}  // namespace bv::network
