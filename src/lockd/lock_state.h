#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"

namespace bv::lockd {

// Leases in the state of a live upgrade (upgrade/state.h), as libvirt's virtlockd has them:
//   "defaultLockspace": { "resources": [ LEASE ] },
//   "lockspaces": [ { "directory", "resources": [ LEASE ] } ]
//   LEASE: { "name", "path", "fd": FD, "lockHeld": true, "flags", "owners": [ PID ], "ofdLock" }
// where "ofdLock" is ours: without it, it is to be found out what kind of lock there is (lease_file.h);
// and of each client, in its "privateData":
//   { "restricted", "ownerPid", "ownerId" (0: not registered), "ownerName", "ownerUUID" }
struct SavedLease {
  std::string name;
  std::string path;
  int fd = -1;               // locked
  unsigned flags = 0;        // of the lock protocol
  std::vector<pid_t> owners;  // one entry an acquisition
  bool ours = false;         // the lock is the open file description's
};

struct SavedSpace {
  std::string directory;  // "": the default one
  std::vector<SavedLease> leases;
};

// For whom a client speaks.
struct SavedOwner {
  bool restricted = false;
  pid_t pid = 0;
  std::uint32_t id = 0;
  std::string name;
  Uuid uuid;
};

// Parsing throws kInternalError.
void FormatSpaces(const std::vector<SavedSpace>& spaces, Json& state);
std::vector<SavedSpace> ParseSpaces(const Json& state);
void FormatOwner(const SavedOwner& owner, Json& client);
SavedOwner ParseOwner(const Json& client);

}  // namespace bv::lockd
