#include "lockd/lock_driver.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"

namespace bv::lockd {

using namespace lock_protocol;
using namespace std::chrono_literals;

struct LockDriver::Owner {
  bool registered = false;
  bool restricted = false;
  pid_t pid = 0;
};

namespace {

void RefuseFlags(std::uint32_t flags, std::uint32_t known) {
  if (flags & ~known) {
    throw Error(ErrorDomain::kLocking, ErrorCode::kInvalidArg, fmt::format("unsupported flags (0x{:x})", flags & ~known));
  }
}

[[noreturn]] void ThrowInternal(std::string text) {
  throw Error(ErrorDomain::kLocking, ErrorCode::kInternalError, std::move(text));
}

// Asks the process to end, then makes it. By pidfd, so never another one.
Task<> End(Fd pidfd, pid_t pid) {
  LogWarn("locking.lock_daemon", "process {} hung up while it held leases: ending it", pid);
  for (int signal_number : {SIGTERM, SIGKILL}) {
    syscall(SYS_pidfd_send_signal, pidfd.get(), signal_number, nullptr, 0);
    if (co_await Readable(pidfd.get(), In(1600ms))) co_return;
  }
}

}  // namespace

LockDriver::LockDriver(const DriverEnvironment& environment) : environment_(environment) {
  spaces_.emplace("", Lockspace(""));
}

void LockDriver::Register(Service& service) {
  service.On<proc::Register>(this, &LockDriver::RegisterOwner);
  service.On<proc::Restrict>(this, &LockDriver::Restrict);
  service.On<proc::New>(this, &LockDriver::New);
  service.On<proc::CreateLockspace>(this, &LockDriver::CreateLockspace);
  service.On<proc::CreateResource>(this, &LockDriver::CreateResource);
  service.On<proc::DeleteResource>(this, &LockDriver::DeleteResource);
  service.On<proc::AcquireResource>(this, &LockDriver::AcquireResource);
  service.On<proc::ReleaseResource>(this, &LockDriver::ReleaseResource);
}

bool LockDriver::HasActiveObjects() const {
  return std::ranges::any_of(spaces_, [](auto& space) { return space.second.held() > 0; });
}

LockDriver::Owner& LockDriver::OwnerOf(Call& call) const {
  Owner& owner = call.client().State<Owner>();
  if (owner.restricted) {
    throw Error(ErrorDomain::kLocking, ErrorCode::kOperationDenied, "lock manager connection has been restricted");
  }
  return owner;
}

// Everything but registering is for who is known.
static void RequireRegistered(bool registered) {
  if (!registered) ThrowInternal("lock owner details have not been registered");
}

Task<> LockDriver::RegisterOwner(Call& call, RegisterArgs args) {
  RefuseFlags(args.flags, 0);
  Owner& owner = OwnerOf(call);
  if (owner.registered) ThrowInternal("lock owner details have already been registered");
  owner.registered = true;
  owner.pid = static_cast<pid_t>(args.owner.pid);
  pid_t client = call.client().identity().pid.value_or(0);
  call.client().OnClose([this, client, pid = owner.pid] { OnHangUp(client, pid); });
  co_return;
}

Task<> LockDriver::Restrict(Call& call, RestrictArgs args) {
  RefuseFlags(args.flags, 0);
  Owner& owner = OwnerOf(call);
  RequireRegistered(owner.registered);
  owner.restricted = true;
  co_return;
}

// Only the process itself answers for its leases: a manager may come and go.
void LockDriver::OnHangUp(pid_t client, pid_t owner) {
  if (client == 0 || client != owner) return;
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, owner, 0)));
  bool any = false;
  for (auto& [path, space] : spaces_) any |= space.ReleaseAllOf(owner);
  if (any && pidfd) Spawn(End(std::move(pidfd), owner), "end a process without leases");
  if (!HasActiveObjects()) environment_.on_idle();
}

Lockspace& LockDriver::SpaceOf(const std::string& path) {
  auto found = spaces_.find(path);
  if (found == spaces_.end()) ThrowInternal("Lockspace for path " + path + " does not exist");
  return found->second;
}

void LockDriver::AddSpace(const std::string& path) {
  if (path.empty()) {
    throw Error(ErrorDomain::kLocking, ErrorCode::kInvalidArg, "the default lockspace already exists");
  }
  if (spaces_.contains(path)) {
    throw Error(ErrorDomain::kLocking, ErrorCode::kOperationInvalid, "Lockspace for path " + path + " already exists");
  }
  spaces_.emplace(path, Lockspace(path));
}

Task<> LockDriver::New(Call& call, NewArgs args) {
  RefuseFlags(args.flags, 0);
  RequireRegistered(OwnerOf(call).registered);
  AddSpace(args.path);
  co_return;
}

Task<> LockDriver::CreateLockspace(Call& call, CreateLockSpaceArgs args) {
  OwnerOf(call);
  AddSpace(args.path);
  co_return;
}

Task<> LockDriver::CreateResource(Call& call, CreateResourceArgs args) {
  RefuseFlags(args.flags, 0);
  RequireRegistered(OwnerOf(call).registered);
  SpaceOf(args.path).Create(args.name);
  co_return;
}

Task<> LockDriver::DeleteResource(Call& call, DeleteResourceArgs args) {
  RefuseFlags(args.flags, 0);
  RequireRegistered(OwnerOf(call).registered);
  SpaceOf(args.path).Delete(args.name);
  co_return;
}

Task<> LockDriver::AcquireResource(Call& call, AcquireResourceArgs args) {
  RefuseFlags(args.flags, kShared | kAutocreate);
  Owner& owner = OwnerOf(call);
  RequireRegistered(owner.registered);
  SpaceOf(args.path).Acquire(args.name, owner.pid, args.flags);
  co_return;
}

Task<> LockDriver::ReleaseResource(Call& call, ReleaseResourceArgs args) {
  RefuseFlags(args.flags, 0);
  Owner& owner = OwnerOf(call);
  RequireRegistered(owner.registered);
  SpaceOf(args.path).Release(args.name, owner.pid);
  if (!HasActiveObjects()) environment_.on_idle();
  co_return;
}

}  // namespace bv::lockd
