// What a guest takes from the host for as long as it runs, and what would stay taken if its daemon died: unlike files that a
// process holds open.

#include "qemu/guests.h"
#include "qemu/macvtap.h"

namespace bv::qemu {

namespace {

MacvtapTrace TraceOf(const MacvtapRequest& request) {
  return {request.name, request.lower, request.mode == model::MacvtapMode::kPassthrough};
}

}  // namespace

Task<> Guests::ClaimHostDevices(DomainPtr domain, std::map<std::string, TapDevice>& taps) {
  auto* guest = domain->guest.get();
  auto& def = domain->MutableDef();
  std::vector<MacvtapRequest> requests;
  for (auto& net : def.interfaces) {
    if (!WantsMacvtap(*net)) continue;
    requests.push_back(MakeMacvtapRequest(*net, config_->dirs.state));
    net->target.dev = requests.back().name;
  }
  domain->DefChanged();
  co_await WriteFirstStatus(domain);
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
