#include "qemu/disk_locks.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "model/domain/domain.h"
#include "protocol/lock_protocol.h"
#include "qemu/config.h"
#include "rpc/transport.h"

namespace bv::qemu {
namespace {

namespace calls = lock_protocol::proc;
using namespace std::chrono_literals;

constexpr char kLog[] = "locking.lock_driver_lockd";
constexpr auto kCallLimit = 30s;
// How long a child waits when virtlockd has many connections to accept. Until then it keeps us waiting too.
constexpr timeval kConnectLimit{2, 0};

// Bits of an acquisition.
constexpr std::uint32_t kShared = 1, kAutocreate = 2;

template <typename Proc, typename Args>
Task<> CallOnce(std::shared_ptr<rpc::Client> client, Args args) {
  rpc::Client::Extra extra;
  extra.deadline = In(kCallLimit);
  co_await client->Call<Proc>(std::move(args), &extra);
}

lock_protocol::RegisterArgs RegisterArgsOf(const DiskLocks::Owner& owner) {
  lock_protocol::RegisterArgs args;
  args.owner.uuid = owner.uuid;
  args.owner.name = owner.name;
  args.owner.id = owner.id;
  args.owner.pid = static_cast<std::uint32_t>(owner.pid);
  return args;
}

// In the original the child that becomes QEMU locks, and this is how its failure is told.
Error BeforeExec(const Error& error, const char* room) {
  return Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
               fmt::format("Process exited prior to exec: libvirt: {} error : {}", room, error.message));
}

}  // namespace

DiskLocks::Handle::Handle(Fd socket, const std::string& path) : socket_(std::move(socket)) {
  address_.sun_family = AF_UNIX;
  path.copy(address_.sun_path, sizeof address_.sun_path - 1);
}

int DiskLocks::Handle::ConnectInChild() const {
  return connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0 ? 0 : errno;
}

DiskLocks::DiskLocks(const QemuConfig& config, const std::string& config_dir)
    : virtlockd_{"virtlockd", config.dirs.sockets + "/virtlockd-sock", config.privileged} {
  auto& manager = config.lock_manager;
  if (manager.empty() || manager == "nop") return;
  if (manager != "lockd")
    throw SystemError(ErrorDomain::kLocking, ENOENT, fmt::format("Plugin /usr/lib/libvirt/lock-driver/{}.so not accessible", manager));
  auto file = config_dir + "/qemu-lockd.conf";
  config_ = ReadLockdConfig(ReadFileIfExists(file).value_or(""), file);
  enabled_ = true;
}

// --- the lockspaces ------------------------------------------------------------------------------

// Of disks that are locked without being asked: with leases of its own alone, a host has no use for them.
std::vector<std::string> DiskLocks::Spaces() const {
  std::vector<std::string> spaces;
  for (auto* dir : {&config_.file_lockspace_dir, &config_.lvm_lockspace_dir, &config_.scsi_lockspace_dir}) {
    if (!dir->empty() && config_.auto_disk_leases) spaces.push_back(*dir);
  }
  return spaces;
}

Task<> DiskLocks::CreateSpaces(std::shared_ptr<rpc::Client> client) const {
  for (auto& dir : Spaces()) {
    lock_protocol::CreateLockSpaceArgs args;
    args.path = dir;
    try {
      co_await CallOnce<calls::CreateLockspace>(client, args);
    } catch (const Error& error) {
      // Known already.
      if (error.code != ErrorCode::kOperationInvalid) throw;
    }
  }
}

Task<> DiskLocks::Start() {
  if (!enabled_ || Spaces().empty()) co_return;
  auto client = co_await Connect(virtlockd_);
  co_await CreateSpaces(std::move(client));
}

// --- the process ---------------------------------------------------------------------------------

Task<std::unique_ptr<DiskLocks::Handle>> DiskLocks::Prepare(const model::DomainDef& def) const {
  if (!enabled_) co_return nullptr;
  try {
    FindLockTargets(def, config_);
  } catch (const Error& error) {
    throw BeforeExec(error, "Lock Driver");
  }
  try {
    // Only to find it, or to start it.
    co_await Connect(virtlockd_);
  } catch (const Error& error) {
    throw BeforeExec(error, "XML-RPC");
  }
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kConnectLimit, sizeof kConnectLimit) < 0)
    throw SystemError(ErrorDomain::kLocking, "cannot create a socket");
  co_return std::make_unique<Handle>(std::move(socket), virtlockd_.socket);
}

Task<> DiskLocks::Register(std::unique_ptr<Handle> handle, Owner owner) const {
  if (!handle) co_return;
  auto client = rpc::Client::Make(rpc::MakeSocketTransport(std::move(handle->socket_)));
  co_await CallOnce<calls::Register>(client, RegisterArgsOf(owner));
  lock_protocol::RestrictArgs restrict;
  co_await CallOnce<calls::Restrict>(client, restrict);
}

// --- locks ---------------------------------------------------------------------------------------

Task<std::shared_ptr<rpc::Client>> DiskLocks::ConnectAs(Owner owner) const {
  auto client = co_await Connect(virtlockd_);
  co_await CallOnce<calls::Register>(client, RegisterArgsOf(owner));
  co_return client;
}

Task<> DiskLocks::AcquireAll(std::vector<LockResource> locks, Owner owner) const {
  if (locks.empty()) co_return;
  auto client = co_await ConnectAs(owner);
  std::vector<LockResource> done;
  std::exception_ptr failure;
  // A virtlockd that was killed and started anew has forgotten its lockspaces.
  auto forgotten = Spaces();
  for (std::size_t i = 0; i < locks.size() && !failure;) {
    lock_protocol::AcquireResourceArgs args;
    args.path = locks[i].space;
    args.name = locks[i].name;
    args.flags = (locks[i].shared ? kShared : 0) | (locks[i].autocreate ? kAutocreate : 0);
    bool retry = false;
    try {
      co_await CallOnce<calls::AcquireResource>(client, args);
      done.push_back(locks[i++]);
    } catch (const Error& error) {
      retry = error.code == ErrorCode::kInternalError && std::ranges::find(forgotten, locks[i].space) != forgotten.end();
      if (!retry) failure = std::current_exception();
    }
    if (!retry) continue;
    forgotten.clear();
    try {
      co_await CreateSpaces(client);
    } catch (const Error&) {
      failure = std::current_exception();
    }
  }
  if (!failure) co_return;
  co_await ReleaseAll(done, owner, false);
  std::rethrow_exception(failure);
}

Task<std::optional<Error>> DiskLocks::TryRelease(std::vector<LockResource> locks, Owner owner) const {
  std::optional<Error> failure;
  if (locks.empty()) co_return failure;
  try {
    auto client = co_await ConnectAs(owner);
    for (auto& lock : locks) {
      lock_protocol::ReleaseResourceArgs args;
      args.path = lock.space;
      args.name = lock.name;
      try {
        co_await CallOnce<calls::ReleaseResource>(client, args);
      } catch (const Error& error) {
        failure = error;
      }
    }
  } catch (const Error& error) {
    failure = error;
  }
  co_return failure;
}

Task<> DiskLocks::ReleaseAll(std::vector<LockResource> locks, Owner owner, bool quietly) const {
  auto failure = co_await TryRelease(std::move(locks), owner);
  if (failure && !quietly) LogWarn(kLog, "cannot release a lease of '{}': {}", owner.name, failure->message);
}

Task<> DiskLocks::Acquire(HeldPtr held, const model::DomainDef& def, Owner owner) const {
  if (!enabled_) co_return;
  auto targets = FindLockTargets(def, config_);
  auto turn = co_await held->turn.Acquire();
  if (held->all) co_return;
  auto locks = co_await ResolveLocks(std::move(targets), config_);
  co_await AcquireAll(locks, owner);
  held->locks = std::move(locks);
  held->all = true;
}

Task<> DiskLocks::Release(HeldPtr held, Owner owner) const {
  if (!enabled_) co_return;
  auto turn = co_await held->turn.Acquire();
  held->all = false;
  // Of a process that has ended virtlockd may have released them by itself.
  bool ended = kill(owner.pid, 0) != 0;
  co_await ReleaseAll(std::exchange(held->locks, {}), owner, ended);
}

Task<> DiskLocks::AcquireMore(HeldPtr held, LockTargets targets, Owner owner) const {
  auto turn = co_await held->turn.Acquire();
  auto locks = co_await ResolveLocks(std::move(targets), config_);
  co_await AcquireAll(locks, owner);
  if (held->all) {
    held->locks.insert(held->locks.end(), locks.begin(), locks.end());
  } else {
    co_await ReleaseAll(locks, owner, false);
  }
}

Task<std::optional<Error>> DiskLocks::ReleaseSome(HeldPtr held, LockTargets targets, Owner owner) const {
  auto turn = co_await held->turn.Acquire();
  if (!held->all) co_return std::nullopt;
  auto locks = co_await ResolveLocks(std::move(targets), config_);
  auto failure = co_await TryRelease(locks, owner);
  if (failure) co_return failure;
  for (auto& lock : locks) {
    auto mine = std::find(held->locks.begin(), held->locks.end(), lock);
    if (mine != held->locks.end()) held->locks.erase(mine);
  }
  co_return std::nullopt;
}

Task<> DiskLocks::AcquireImage(HeldPtr held, const model::StorageSource& source, Owner owner) const {
  if (!enabled_) co_return;
  auto targets = FindLockTargets(source, config_);
  co_await AcquireMore(std::move(held), std::move(targets), owner);
}

Task<> DiskLocks::ReleaseImage(HeldPtr held, const model::StorageSource& source, Owner owner) const {
  if (!enabled_) co_return;
  auto targets = FindLockTargets(source, config_);
  auto failure = co_await ReleaseSome(std::move(held), std::move(targets), owner);
  if (failure) LogWarn(kLog, "cannot release a disk of '{}': {}", owner.name, failure->message);
}

Task<> DiskLocks::AcquireLease(HeldPtr held, const model::Lease& lease, Owner owner) const {
  if (!enabled_) co_return;
  auto targets = FindLockTargets(lease);
  co_await AcquireMore(std::move(held), std::move(targets), owner);
}

Task<> DiskLocks::ReleaseLease(HeldPtr held, const model::Lease& lease, Owner owner) const {
  if (!enabled_) co_return;
  auto targets = FindLockTargets(lease);
  auto failure = co_await ReleaseSome(std::move(held), std::move(targets), owner);
  if (failure) throw *failure;
}

Task<> DiskLocks::Adopt(HeldPtr held, const model::DomainDef& def, Owner owner, bool runs) const {
  if (!enabled_) co_return;
  auto targets = FindLockTargets(def, config_);
  auto turn = co_await held->turn.Acquire();
  auto locks = co_await ResolveLocks(std::move(targets), config_);
  if (runs) {
    held->locks = std::move(locks);
    held->all = true;
  } else {
    // The last daemon may have been killed between a lock and what it was for.
    co_await ReleaseAll(locks, owner, true);
  }
}

}  // namespace bv::qemu
