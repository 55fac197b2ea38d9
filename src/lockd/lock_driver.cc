#include "lockd/lock_driver.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "daemon/descriptor_limit.h"

namespace bv::lockd {

using namespace lock_protocol;
using namespace std::chrono_literals;

namespace {

// How long a call waits for a lease's file.
constexpr std::chrono::seconds kAnswerLimit{10};
constexpr const char* kUnregistered = "lock owner details have not been registered";

[[noreturn]] void Throw(ErrorCode code, std::string text) { throw Error(ErrorDomain::kRpc, code, std::move(text)); }

// Clients see libvirt's own function named ("virLockSpaceProtocolDispatchNew").
void RefuseFlags(std::uint32_t flags, std::uint32_t known, const char* call) {
  RefuseOtherFlags(flags, known, ErrorDomain::kRpc, fmt::format("virLockSpaceProtocolDispatch{}", call).c_str());
}

Error DoesNotAnswer(const std::string& file) {
  return Error(ErrorDomain::kLockspace, ErrorCode::kOperationTimeout, "the lease file " + file + " does not answer");
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
  AddSpace("");
  files_.on_idle = [this] {
    if (!HasActiveObjects()) environment_.on_idle();
  };
}

// How a call waits for a file.
struct LockDriver::Patience {
  std::weak_ptr<rpc::ClientSession> client;
  bool given_up = false;
  Event known;
  std::exception_ptr error;

  explicit Patience(Call& call) : client(call.client().weak_from_this()) {}
  bool wanted() const {
    auto alive = client.lock();
    return !given_up && alive && alive->connected();
  }
  static Task<> Run(Task<> work, std::shared_ptr<Patience> self) {
    try {
      co_await std::move(work);
    } catch (...) {
      self->error = std::current_exception();
    }
    self->known.Set();
  }
};

Task<> LockDriver::WithPatience(std::string file, Task<> work, std::shared_ptr<Patience> patience) {
  Spawn(Patience::Run(std::move(work), patience), "use a lease file");
  co_await patience->known.Wait(In(kAnswerLimit));
  if (!patience->known.is_set()) {
    patience->given_up = true;
    throw DoesNotAnswer(file);
  }
  if (patience->error) std::rethrow_exception(patience->error);
}

void LockDriver::CheckReady() const {
  if (auto* path = files_.Stuck()) throw DoesNotAnswer(*path);
}

Task<bool> LockDriver::Hold(Deadline deadline) {
  CheckReady();
  bool ended = co_await files_.Ended(deadline);
  co_return ended;
}

Task<> LockDriver::Start() {
  UseAllDescriptors();
  co_return;
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
  return !files_.idle() || std::ranges::any_of(spaces_, [](auto& space) { return space.second.held() > 0; });
}

// A connection that was restricted can do nothing any more: a guest's process keeps it open, and whoever
// breaks out of that guest must not get at leases with it.
LockDriver::Owner& LockDriver::OwnerOf(Call& call) const {
  Owner& owner = call.client().State<Owner>();
  if (owner.restricted) Throw(ErrorCode::kOperationDenied, "lock manager connection has been restricted");
  return owner;
}

LockDriver::Owner& LockDriver::RegisteredOwnerOf(Call& call) const {
  Owner& owner = OwnerOf(call);
  if (owner.id == 0) Throw(ErrorCode::kOperationInvalid, kUnregistered);
  return owner;
}

Task<> LockDriver::RegisterOwner(Call& call, RegisterArgs args) {
  RefuseFlags(args.flags, 0, "Register");
  Owner& owner = OwnerOf(call);
  Watch(call.client(), owner);
  // Again is fine: a manager may speak for one guest after the other.
  owner.pid = static_cast<pid_t>(args.owner.pid);
  owner.id = args.owner.id;
  owner.uuid = args.owner.uuid;
  owner.name = std::move(args.owner.name);
  co_return;
}

void LockDriver::Watch(ClientSession& client, Owner& owner) {
  if (std::exchange(owner.watched, true)) return;
  client.OnClose([this, pid = client.identity().pid.value_or(0), &owner] { OnHangUp(pid, owner.pid); });
}

Task<> LockDriver::Restrict(Call& call, RestrictArgs args) {
  RefuseFlags(args.flags, 0, "Restrict");
  RegisteredOwnerOf(call).restricted = true;
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
  if (found == spaces_.end()) Throw(ErrorCode::kInternalError, "Lockspace for path " + path + " does not exist");
  return found->second;
}

Lockspace& LockDriver::AddSpace(const std::string& path) { return spaces_.try_emplace(path, path, files_).first->second; }

Task<> LockDriver::MakeSpace(Call& call, std::string path) {
  auto make = [](FileWork& files, std::string path) -> Task<> {
    auto directory = [path] {
      Lockspace::MakeDirectory(path);
      return true;
    };
    co_await files.Run(path, std::move(directory));
  };
  auto work = make(files_, path);
  auto patience = std::make_shared<Patience>(call);
  co_await WithPatience(path, std::move(work), std::move(patience));
  AddSpace(path);
}

Task<> LockDriver::New(Call& call, NewArgs args) {
  RefuseFlags(args.flags, 0, "New");
  RegisteredOwnerOf(call);
  if (args.path.empty()) Throw(ErrorCode::kOperationInvalid, "the default lockspace already exists");
  if (spaces_.contains(args.path)) {
    Throw(ErrorCode::kInternalError, "Lockspace for path " + args.path + " already exists");
  }
  co_await MakeSpace(call, std::move(args.path));
}

// What managers call as they start, before they speak for any guest: the lockspace may be there.
Task<> LockDriver::CreateLockspace(Call& call, CreateLockSpaceArgs args) {
  OwnerOf(call);
  if (!spaces_.contains(args.path)) co_await MakeSpace(call, std::move(args.path));
}

Task<> LockDriver::CreateResource(Call& call, CreateResourceArgs args) {
  RefuseFlags(args.flags, 0, "CreateResource");
  RegisteredOwnerOf(call);
  auto work = SpaceOf(args.path).Create(args.name);
  auto patience = std::make_shared<Patience>(call);
  co_await WithPatience(std::move(args.name), std::move(work), std::move(patience));
}

Task<> LockDriver::DeleteResource(Call& call, DeleteResourceArgs args) {
  RefuseFlags(args.flags, 0, "DeleteResource");
  RegisteredOwnerOf(call);
  auto work = SpaceOf(args.path).Delete(args.name);
  auto patience = std::make_shared<Patience>(call);
  co_await WithPatience(std::move(args.name), std::move(work), std::move(patience));
}

Task<> LockDriver::AcquireResource(Call& call, AcquireResourceArgs args) {
  RefuseFlags(args.flags, kShared | kAutocreate, "AcquireResource");
  Owner& owner = RegisteredOwnerOf(call);
  Lockspace& space = SpaceOf(args.path);
  if (space.AcquireAtOnce(args.name, owner.pid, args.flags)) co_return;
  auto patience = std::make_shared<Patience>(call);
  auto wanted = [patience] { return patience->wanted(); };
  auto work = space.Acquire(args.name, owner.pid, args.flags, std::move(wanted));
  co_await WithPatience(std::move(args.name), std::move(work), std::move(patience));
}

Task<> LockDriver::ReleaseResource(Call& call, ReleaseResourceArgs args) {
  RefuseFlags(args.flags, 0, "ReleaseResource");
  Owner& owner = RegisteredOwnerOf(call);
  Lockspace& space = SpaceOf(args.path);
  if (space.ReleaseAtOnce(args.name, owner.pid)) {
    if (!HasActiveObjects()) environment_.on_idle();
    co_return;
  }
  auto work = space.Release(args.name, owner.pid);
  auto patience = std::make_shared<Patience>(call);
  co_await WithPatience(std::move(args.name), std::move(work), std::move(patience));
}

}  // namespace bv::lockd
