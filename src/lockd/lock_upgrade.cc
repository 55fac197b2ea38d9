// The part of LockDriver that goes from one process image to the next. The locks belong to the
// descriptors, which stay open: nobody ever finds one free.

#include "base/error.h"
#include "base/log.h"
#include "lockd/lock_driver.h"
#include "lockd/lock_state.h"
#include "upgrade/fds.h"

namespace bv::lockd {

void LockDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  std::vector<SavedSpace> saved;
  for (const auto& [directory, space] : spaces_) saved.push_back({directory, space.Save(fds)});
  FormatSpaces(saved, state);
}

void LockDriver::CheckState(const Json& state) const { ParseSpaces(state); }

void LockDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  for (SavedSpace& saved : ParseSpaces(state)) {
    Lockspace& space = AddSpace(saved.directory);
    for (SavedLease& lease : saved.leases) {
      std::string path = lease.path;
      try {
        Fd fd = fds.Take(lease.fd);
        space.Restore(std::move(lease), std::move(fd));
      } catch (const Error& error) {
        LogError("locking.lock_daemon", "the lease on {} is lost: {}", path, error.what());
      }
    }
  }
}

void LockDriver::SaveClient(ClientSession& client, Json& state, upgrade::PassedFds&) const {
  const Owner& owner = client.State<Owner>();
  FormatOwner({.restricted = owner.restricted,
               .pid = owner.pid,
               .id = owner.id,
               .name = owner.name,
               .uuid = owner.uuid},
              state);
}

void LockDriver::RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  SavedOwner saved = ParseOwner(state);
  Owner& owner = client.State<Owner>();
  owner = {.restricted = saved.restricted, .id = saved.id, .pid = saved.pid, .uuid = saved.uuid, .name = saved.name};
  if (saved.id != 0) Watch(client, owner);
}

}  // namespace bv::lockd
