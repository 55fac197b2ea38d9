// The part of NwfilterDriver that goes from one process image to the next: filters and bindings are in files,
// and the kernel keeps the rules.
//
// In the state (upgrade/state.h): "nwfilter": { "lock": FD, "addresses": [ { "interface", "address" } ] }

#include "base/json.h"
#include "nwfilter/nwfilter_driver.h"
#include "upgrade/fds.h"

namespace bv::nwfilter {

namespace {
constexpr char kMember[] = "nwfilter";
}

void NwfilterDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json addresses = Json::Array();
  for (auto& [interface, binding] : bindings_.all()) {
    for (const std::string& address : binding->addresses) {
      addresses.Append(Json::Object({{"interface", interface}, {"address", address}}));
    }
  }
  Json ours = Json::Object({{"addresses", addresses}});
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(kMember, ours);
}

void NwfilterDriver::CheckState(const Json&) const {}

void NwfilterDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(kMember);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  for (const Json& entry : ours.Find("addresses").elements()) {
    std::string interface(entry.Find("interface").AsString().value_or(""));
    inherited_addresses_[interface].emplace_back(entry.Find("address").AsString().value_or(""));
  }
}

}  // namespace bv::nwfilter
