#pragma once

#include "base/task.h"
#include "network/dnsmasq.h"

namespace bv::network {

// Brings networks up on this host and takes them down: bridge, addresses, routes, rules, dnsmasq, shaping. One call
// at a time. What fails takes back what was done.
class NetworkStarter {
 public:
  explicit NetworkStarter(const NetworkPaths& paths) : dnsmasq_(paths) {}

  Task<> Start(model::NetworkDef def);
  // Goes on to the end whatever fails.
  Task<> Stop(model::NetworkDef def);

  // Fills in the devices of a physical function. Blocks.
  static void FindDevices(model::NetworkDef& def);

  // The rules once more, at the place that new ones have: others may have flushed them.
  Task<> RenewRules(model::NetworkDef def);
  Task<> InsertRules(model::NetworkDef def);
  Task<> RemoveRules(model::NetworkDef def);
  // Chains may be gone: looks again before the next rules.
  void ForgetChains() { chains_[0] = chains_[1] = false; }

  Dnsmasq& dnsmasq() { return dnsmasq_; }

 private:
  Task<> StartOwn(model::NetworkDef def);
  Task<> MakeBridge(model::NetworkDef def);

  Dnsmasq dnsmasq_;
  bool chains_[2] = {};  // of IPv4, IPv6: are there
};

}  // namespace bv::network
