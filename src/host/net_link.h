#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ip.h"
#include "model/value.h"

namespace bv::host {

// A network interface of the host, by its name. Calls block, if only for the kernel's lock: from a handler through
// Offload(). Failures throw kSystemError (domain kNone) with libvirt's words.
class NetLink {
 public:
  explicit NetLink(std::string name);

  static bool Exists(const std::string& name);

  // Makes it, a bridge with this address of its own.
  void CreateBridge(const std::optional<model::MacAddress>& mac);
  // The delay in hundredths of a second.
  void SetBridge(bool stp, std::uint64_t delay);
  void SetVlanFiltering();
  void Delete();

  // Makes it: an interface of a guest's on `lower`, with that MACVLAN_MODE_*. Throws with domain kNet when the kernel refuses.
  void CreateMacvtap(const std::string& lower, const model::MacAddress& mac, std::uint32_t mode);
  bool IsMacvlan();  // or a macvtap

  model::MacAddress Mac();
  void SetMac(const model::MacAddress& mac);
  // Those that somebody has added, besides the kernel's own.
  std::vector<model::MacAddress> MulticastAddresses();
  void AddMulticast(const model::MacAddress& mac);
  void RemoveMulticast(const model::MacAddress& mac);
  // Everything, or all of multicast.
  void LetIn(bool everything, bool all_multicast);
  int Mtu();
  void SetMtu(unsigned mtu);
  void AddPort(const std::string& port);
  void RemovePort(const std::string& port);
  // Of a bridge's port: reaches no other port that is isolated too.
  void IsolatePort(bool isolated = true);
  // What is sent by it waits in no queue. Not all kernels can.
  void SetNoQueue();
  // How many packets may come in before anybody is told; 0: the driver's default. Not all drivers can.
  void SetCoalescedFrames(unsigned max);
  void SetUp(bool up);

  void AddAddress(const Ip& address, unsigned prefix);
  void AddRoute(const Ip& network, unsigned prefix, const Ip& gateway, unsigned metric);

 private:
  int Index();

  std::string name_;
  Fd socket_;  // for what interfaces are told by ioctl()
};

}  // namespace bv::host
