// What a guest takes from the host for as long as it runs, and what would stay taken if its daemon died: unlike files that a
// process holds open.

#include "qemu/assigned_devices.h"
#include "qemu/device_acl.h"
#include "qemu/guests.h"
#include "qemu/macvtap.h"

namespace bv::qemu {

namespace {

MacvtapTrace TraceOf(const MacvtapRequest& request) {
  return {request.name, request.lower, request.mode == model::MacvtapMode::kPassthrough};
}

Task<> TakeAssignedDevices(DomainPtr domain, std::vector<AssignedDevice> assigned, std::shared_ptr<const QemuConfig> config) {
  auto* guest = domain->guest.get();
  co_await DetachFromHost(assigned);
  // Its end may have come first, when there was nothing to give back yet.
  if (domain->guest.get() != guest) {
    auto give_back = [assigned] { ReattachToHost(assigned); };
    co_await Offload(std::move(give_back));
    co_return;
  }
  std::vector<OwnedFile> files;
  if (config->dynamic_ownership) files = HostdevFiles(domain->def());
  auto give = [files, config, cgroup = guest->cgroup, nodes = DeviceNodes(domain->def())] {
    GiveFiles(files, config->uid, config->gid, config->remember_owner);
    AllowDevices(cgroup, nodes);
  };
  co_await Offload(std::move(give));
}

}  // namespace

Task<> Guests::ClaimHostDevices(DomainPtr domain, std::map<std::string, TapDevice>& taps) {
  auto* guest = domain->guest.get();
  auto& def = domain->MutableDef();
  auto assigned = AssignedDevices(def);
  DeviceClaims::Owner owner{domain->uuid(), domain->name()};
  co_await ClaimDevices(assigned, owner);
  if (domain->guest.get() != guest) {
    DeviceClaims::Get().Release(assigned, owner.guest);
    co_return;
  }
  std::vector<MacvtapRequest> requests;
  for (auto& net : def.interfaces) {
    if (!WantsMacvtap(*net)) continue;
    requests.push_back(MakeMacvtapRequest(*net, config_->dirs.state));
    net->target.dev = requests.back().name;
  }
  domain->DefChanged();
  co_await WriteFirstStatus(domain);
  if (domain->guest.get() != guest) co_return;
  if (!assigned.empty()) co_await TakeAssignedDevices(domain, assigned, config_);
  if (domain->guest.get() != guest || requests.empty()) co_return;
  std::exception_ptr failure;
  try {
    auto open = [requests, state_dir = config_->dirs.state] {
      std::map<std::string, TapDevice> made;
      std::vector<MacvtapTrace> traces;
      try {
        for (auto& request : requests) {
          made.emplace(request.alias, OpenMacvtap(request));
          traces.push_back(TraceOf(request));
        }
      } catch (const Error&) {
        RemoveMacvtaps(traces, state_dir);
        throw;
      }
      return made;
    };
    taps.merge(co_await Offload(std::move(open)));
    // Its end may have come first, when there was nothing to remove yet.
    if (domain->guest.get() != guest) {
      auto remove = [requests, state_dir = config_->dirs.state] {
        for (auto& request : requests) RemoveMacvtaps({TraceOf(request)}, state_dir);
      };
      co_await Offload(std::move(remove));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  // What is not this guest's is not for its end to remove.
  if (domain->guest.get() == guest) {
    for (auto& net : domain->MutableDef().interfaces) {
      if (WantsMacvtap(*net)) net->target.dev.clear();
    }
    domain->DefChanged();
  }
  std::rethrow_exception(failure);
}

}  // namespace bv::qemu
