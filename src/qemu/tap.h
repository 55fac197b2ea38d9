#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "model/domain/interface.h"

namespace bv::qemu {

// A host network interface whose other end is a guest's. It goes when the last descriptor closes.
struct TapDevice {
  std::string name;  // as the kernel calls it, "vnet0"
  std::vector<Fd> queues;
  std::vector<Fd> vhost;  // one for each queue, or none
};

struct TapRequest {
  std::string alias;   // of the guest's device
  std::string name;    // what it shall be called
  std::string bridge;  // joins it; empty: none
  bool open_vswitch = false;  // which is another kind of bridge
  bool isolated = false;  // from the bridge's other isolated ports
  model::MacAddress guest_mac;
  std::optional<unsigned> coalesced_frames;
  unsigned mtu = 0;    // 0: the bridge's, or the kernel's
  unsigned queues = 1;
  bool virtio = false;      // packets have virtio headers
  bool vhost = false;       // use the kernel's back end where there is one
  bool need_vhost = false;  // and fail where there is none
};

// Whether an interface of that type is a tap of ours, and what kind of one.
bool WantsTap(const model::Interface& net);
// Its name is settled then, though there is none yet.
TapRequest MakeTapRequest(const model::Interface& net);
// What taps of all kinds have in common; a name that must be made up begins with `prefix`.
void FillTapRequest(const model::Interface& net, std::string_view prefix, TapRequest& request);

// Makes, configures and raises the interface. Blocks. Throws kSystemError (domain kNone), and
// kConfigUnsupported (domain kQemu) for a vhost that is asked for and missing.
TapDevice OpenTap(const TapRequest& request);
// The back ends of a tap's queues, as far as they are wanted.
void OpenVhost(const TapRequest& request, TapDevice& tap);

// The device of an interface of type vdpa. Blocks; throws kSystemError (domain kQemu).
Fd OpenVdpa(const std::string& device);

}  // namespace bv::qemu
