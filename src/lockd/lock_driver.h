#pragma once

#include <map>
#include <string>

#include "daemon/driver.h"
#include "lockd/lockspace.h"
#include "protocol/lock_protocol.h"
#include "rpc/service.h"

namespace bv::lockd {

// What virtlockd does: holds leases for guests, so that two hosts never run one disk. Each connection
// registers the process that it speaks for; a process that itself hangs up while it holds leases is
// ended, because nobody protects its disks any more.
class LockDriver : public Driver {
 public:
  explicit LockDriver(const DriverEnvironment& environment);

  void Register(Service& service) override;
  bool HasActiveObjects() const override;

 private:
  struct Owner;

  Task<> RegisterOwner(Call& call, lock_protocol::RegisterArgs args);
  Task<> Restrict(Call& call, lock_protocol::RestrictArgs args);
  Task<> New(Call& call, lock_protocol::NewArgs args);
  Task<> CreateLockspace(Call& call, lock_protocol::CreateLockSpaceArgs args);
  Task<> CreateResource(Call& call, lock_protocol::CreateResourceArgs args);
  Task<> DeleteResource(Call& call, lock_protocol::DeleteResourceArgs args);
  Task<> AcquireResource(Call& call, lock_protocol::AcquireResourceArgs args);
  Task<> ReleaseResource(Call& call, lock_protocol::ReleaseResourceArgs args);

  Owner& OwnerOf(Call& call) const;
  Lockspace& SpaceOf(const std::string& path);
  void AddSpace(const std::string& path);
  void OnHangUp(pid_t client, pid_t owner);

  const DriverEnvironment environment_;
  std::map<std::string, Lockspace> spaces_;  // "" is for paths of disks
};

}  // namespace bv::lockd
