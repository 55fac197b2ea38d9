#pragma once

#include <string>
#include <vector>

#include "model/domain/domain.h"
#include "qemu/tap.h"

namespace bv::qemu {

// A guest's own address on a network interface of the host, <interface type='direct'>. Unlike a tap it stays when the last
// descriptor closes, so it is removed by name. In passthrough mode the host's interface takes the guest's address; its own
// waits in a file of the driver's state.
struct MacvtapRequest : TapRequest {
  std::string lower;  // the host's interface
  model::MacvtapMode mode = model::MacvtapMode::kVepa;
  std::string state_dir;
};

bool WantsMacvtap(const model::Interface& net);
// Its name is settled then, though there is none yet.
MacvtapRequest MakeMacvtapRequest(const model::Interface& net, const std::string& state_dir);

// All of these block. OpenMacvtap() makes the interface and leaves it down: a guest that does not run sends nothing. It throws
// kSystemError (domain kNone or kNet) and what OpenTap() does for vhost, and leaves nothing behind then.
TapDevice OpenMacvtap(const MacvtapRequest& request);

struct MacvtapTrace {
  std::string name, lower;
  bool passthrough = false;
};
std::vector<MacvtapTrace> MacvtapTraces(const model::DomainDef& def);
MacvtapTrace MacvtapTraceOf(const model::Interface& net);
// What cannot be removed is logged.
void RemoveMacvtaps(const std::vector<MacvtapTrace>& traces, const std::string& state_dir);

// Up when the guest's CPUs run, with the host's interface if that was down; down when they do not.
void RaiseMacvtaps(const std::vector<MacvtapTrace>& traces);
void LowerMacvtaps(const std::vector<MacvtapTrace>& traces);

}  // namespace bv::qemu
