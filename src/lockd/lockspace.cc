#include "lockd/lockspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/files.h"

namespace bv::lockd {

namespace {

FileIds& PosixLocked() {
  static FileIds files;
  return files;
}

}  // namespace

void Lockspace::MakeDirectory(const std::string& directory) {
  struct stat info;
  if (stat(directory.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return;
    throw Error(ErrorDomain::kLockspace, ErrorCode::kInternalError,
                "Lockspace location " + directory + " exists, but is not a directory");
  }
  try {
    MakeDirs(directory.substr(0, directory.rfind('/')), 0700);
    MakeDirs(directory, 0700);
  } catch (const Error& error) {
    throw SystemError(ErrorDomain::kLockspace, error.int1, "Unable to create lockspace " + directory);
  }
}

std::string Lockspace::PathOf(const std::string& name) const {
  return directory_.empty() ? name : directory_ + "/" + name;
}

// A file that may have to be made is where its directory is.
bool Lockspace::IsLocal(const std::string& name, unsigned flags) const {
  std::string path = PathOf(name);
  return work_.local.Knows(flags & kAutocreate ? path.substr(0, path.rfind('/')) : path);
}

Task<> Lockspace::Create(std::string name) {
  auto door = co_await doors_.Enter(name);
  if (leases_.contains(name)) ThrowBusy(name);
  auto create = [name, path = PathOf(name), forbidden = PosixLocked()] {
    LeaseFile::Create(name, path, forbidden);
    return true;
  };
  co_await work_.Run(PathOf(name), std::move(create));
}

Task<> Lockspace::Delete(std::string name) {
  auto door = co_await doors_.Enter(name);
  if (leases_.contains(name)) ThrowBusy(name);
  auto remove = [path = PathOf(name)] {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return true;
    throw SystemError(ErrorDomain::kLockspace, "Unable to delete resource " + path);
  };
  co_await work_.Run(PathOf(name), std::move(remove));
}

// False when nobody has the lease.
bool Lockspace::AddOwner(const std::string& name, pid_t owner, unsigned flags) {
  auto found = leases_.find(name);
  if (found == leases_.end()) return false;
  if (!(flags & found->second.flags & kShared)) ThrowBusy(name);
  found->second.owners.push_back(owner);
  return true;
}

bool Lockspace::AcquireAtOnce(const std::string& name, pid_t owner, unsigned flags) {
  if (doors_.InUse(name)) return false;
  if (AddOwner(name, owner, flags)) return true;
  if (!IsLocal(name, flags)) return false;
  LeaseFile file = LeaseFile::Lock(name, PathOf(name), flags, PosixLocked());
  leases_.emplace(name, Lease{std::move(file), flags, {owner}, true});
  return true;
}

Task<> Lockspace::Acquire(std::string name, pid_t owner, unsigned flags, std::function<bool()> wanted) {
  auto door = co_await doors_.Enter(name);
  if (!wanted() || AddOwner(name, owner, flags)) co_return;
  struct Locked {
    LeaseFile file;
    LocalFiles::Answer answer;
  };
  auto lock = [name, path = PathOf(name), flags, forbidden = PosixLocked()] {
    LeaseFile file = LeaseFile::Lock(name, path, flags, forbidden);
    auto answer = LocalFiles::Ask(file.fd());
    return Locked{std::move(file), answer};
  };
  auto generation = work_.local.Generation();
  auto locked = co_await work_.Run(PathOf(name), std::move(lock));
  work_.local.Remember(locked.answer, generation);
  if (wanted()) {
    leases_.emplace(name, Lease{std::move(locked.file), flags, {owner}, locked.answer.local});
  } else {
    co_await Drop(name, std::move(locked.file), flags);
  }
}

Lockspace::Leases::iterator Lockspace::LeaseOf(const std::string& name, pid_t owner) {
  auto found = leases_.find(name);
  if (found == leases_.end()) {
    throw Error(ErrorDomain::kLockspace, ErrorCode::kResourceBusy, "Lockspace resource '" + name + "' is not locked");
  }
  if (std::ranges::count(found->second.owners, owner) == 0) {
    throw Error(ErrorDomain::kLockspace, ErrorCode::kInternalError,
                "owner " + std::to_string(owner) + " does not hold the resource lock");
  }
  return found;
}

bool Lockspace::ReleaseAtOnce(const std::string& name, pid_t owner) {
  if (doors_.InUse(name)) return false;
  auto lease = LeaseOf(name, owner);
  auto& owners = lease->second.owners;
  if (owners.size() == 1 && !lease->second.local) return false;
  owners.erase(std::ranges::find(owners, owner));
  if (owners.empty()) DropAtOnce(lease);
  return true;
}

Task<> Lockspace::Release(std::string name, pid_t owner) {
  auto door = co_await doors_.Enter(name);
  auto lease = LeaseOf(name, owner);
  auto& owners = lease->second.owners;
  owners.erase(std::ranges::find(owners, owner));
  if (!owners.empty()) co_return;
  unsigned flags = lease->second.flags;
  auto file = Forget(lease);
  co_await Drop(std::move(name), std::move(file), flags);
}

bool Lockspace::ReleaseAllOf(pid_t owner) {
  bool any = false;
  for (auto it = leases_.begin(); it != leases_.end();) {
    auto lease = it++;
    if (std::erase(lease->second.owners, owner) == 0) continue;
    any = true;
    if (!lease->second.owners.empty()) continue;
    if (lease->second.local && !doors_.InUse(lease->first)) {
      DropAtOnce(lease);
    } else {
      Spawn(DropUnowned(lease->first), "give a lease back");
    }
  }
  return any;
}

Task<> Lockspace::DropUnowned(std::string name) {
  auto door = co_await doors_.Enter(name);
  auto lease = leases_.find(name);
  if (lease == leases_.end() || !lease->second.owners.empty()) co_return;
  unsigned flags = lease->second.flags;
  auto file = Forget(lease);
  co_await Drop(std::move(name), std::move(file), flags);
}

LeaseFile Lockspace::Forget(Leases::iterator lease) {
  LeaseFile file = std::move(lease->second.file);
  leases_.erase(lease);
  return file;
}

void Lockspace::DropAtOnce(Leases::iterator lease) {
  unsigned flags = lease->second.flags;
  std::string path = PathOf(lease->first);
  LeaseFile file = Forget(lease);
  if (file.posix()) PosixLocked().erase(*file.posix());
  std::move(file).Drop(path, flags);
}

// Whoever calls has the name's door.
Task<> Lockspace::Drop(std::string name, LeaseFile file, unsigned flags) {
  auto posix = file.posix();
  auto drop = [path = PathOf(name), file = std::make_shared<LeaseFile>(std::move(file)), flags] {
    std::move(*file).Drop(path, flags);
    return true;
  };
  co_await work_.Run(PathOf(name), std::move(drop));
  if (posix) PosixLocked().erase(*posix);
}

std::vector<SavedLease> Lockspace::Save(upgrade::PassedFds& fds) const {
  std::vector<SavedLease> saved;
  for (const auto& [name, lease] : leases_) {
    bool ours = !lease.file.posix();
    saved.push_back({name, PathOf(name), fds.Pass(lease.file.fd()), lease.flags, lease.owners, ours});
  }
  return saved;
}

void Lockspace::Restore(SavedLease saved, Fd fd) {
  LeaseFile file = saved.ours ? LeaseFile(std::move(fd)) : LeaseFile::TakeOver(saved.name, std::move(fd), saved.flags);
  if (file.posix()) PosixLocked().insert(*file.posix());
  Lease lease{std::move(file), saved.flags, std::move(saved.owners), false};
  leases_.insert_or_assign(std::move(saved.name), std::move(lease));
}

}  // namespace bv::lockd
