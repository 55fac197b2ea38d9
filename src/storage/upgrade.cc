// The part of StorageDriver that goes from one process image to the next: what no file has. Pools that are active have
// their states in files, and are looked at again.
//
// In the state (upgrade/state.h): "storage": { "nextCallback", "lock": FD }. Of each client: "storage": { "events":
// [ { "id", "event", "pool": UUID } ] }

#include "storage/storage_driver.h"
#include "upgrade/fds.h"

namespace bv::storage {

namespace {
constexpr char kMember[] = "storage";
constexpr char kObject[] = "pool";
}  // namespace

void StorageDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json ours = Json::Object({{"nextCallback", events_.next()}});
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(kMember, ours);
}

void StorageDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(kMember);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  events_.set_next(static_cast<int>(ours.Find("nextCallback").AsInt().value_or(0)));
}

void StorageDriver::SaveClient(ClientSession& client, Json& state, upgrade::PassedFds&) const {
  Json events = events_.Save(client, kObject);
  if (events.size() > 0) state.Set(kMember, Json::Object({{"events", events}}));
}

void StorageDriver::RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  events_.Restore(client, state.Find(kMember).Find("events"), kObject);
}

}  // namespace bv::storage
