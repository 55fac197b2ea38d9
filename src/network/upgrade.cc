// The part of NetworkDriver that goes from one process image to the next: what no file has.
//
// In the state (upgrade/state.h): "network": { "nextCallback", "lock": FD }. Of each client:
// "network": { "events": [ { "id", "event", "network": UUID } ] }. Networks that run are found by their status files.

#include "network/network_driver.h"
#include "upgrade/fds.h"

namespace bv::network {

namespace {
constexpr char kMember[] = "network";
}

void NetworkDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json ours = Json::Object({{"nextCallback", events_.next()}});
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(kMember, ours);
}

void NetworkDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(kMember);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  events_.set_next(static_cast<int>(ours.Find("nextCallback").AsInt().value_or(0)));
}

void NetworkDriver::SaveClient(ClientSession& client, Json& state, upgrade::PassedFds&) const {
  Json events = events_.Save(client, kMember);
  if (events.size() > 0) state.Set(kMember, Json::Object({{"events", events}}));
}

void NetworkDriver::RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  events_.Restore(client, state.Find(kMember).Find("events"), kMember);
}

}  // namespace bv::network
