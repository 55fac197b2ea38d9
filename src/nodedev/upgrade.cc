// The part of NodeDeviceDriver that goes from one process image to the next.
//
// In the state (upgrade/state.h): "nodedev": { "nextCallback", "lock": FD }. Of each client:
// "nodedev": { "events": [ { "id", "event", "device": NAME } ] }. The devices are the kernel's.

#include "nodedev/nodedev_driver.h"
#include "upgrade/fds.h"

namespace bv::nodedev {

namespace {
constexpr char kMember[] = "nodedev", kObject[] = "device";
}

void NodeDeviceDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json ours = Json::Object({{"nextCallback", events_.next()}});
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(kMember, ours);
}

void NodeDeviceDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(kMember);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  events_.set_next(static_cast<int>(ours.Find("nextCallback").AsInt().value_or(0)));
}

void NodeDeviceDriver::SaveClient(ClientSession& client, Json& state, upgrade::PassedFds&) const {
  Json events = events_.Save(client, kObject);
  if (events.size() > 0) state.Set(kMember, Json::Object({{"events", events}}));
}

void NodeDeviceDriver::RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  events_.Restore(client, state.Find(kMember).Find("events"), kObject);
}

}  // namespace bv::nodedev
