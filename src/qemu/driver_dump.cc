// Core dumps: what is in a guest's memory, in a file.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wait.h"
#include "qemu/driver.h"
#include "qemu/migration_wait.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

// virDomainCoreDumpFlags
enum : unsigned { kCrash = 1, kLive = 2, kBypassCache = 4, kReset = 8, kMemoryOnly = 16, kAll = 31 };
constexpr int kOperationDump = 8;  // virDomainJobOperation
// virDomainCoreDumpFormat, as QEMU calls them. The first is QEMU's own stream where all of the guest is dumped.
constexpr const char* kFormats[] = {"elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"};
// QEMU tells how far it is only when it is asked.
constexpr auto kLook = 100ms;

[[noreturn]] void Fail(ErrorCode code, const std::string& detail) { throw Error(ErrorDomain::kQemu, code, detail); }

std::shared_ptr<Fd> CreateFile(const std::string& path, bool bypass_cache) {
  auto fd = std::make_shared<Fd>(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (bypass_cache ? O_DIRECT : 0), 0600));
  if (!*fd) throw SystemError(ErrorDomain::kQemu, fmt::format("Failed to create file '{}'", path));
  return fd;
}

// Memory and registers in a format that debuggers read.
Task<> DumpMemory(DomainPtr domain, Guests* guests, int fd, const char* format) {
  auto* guest = domain->guest.get();
  MonitorCommand pass, dump;
  pass.name = "getfd";
  pass.arguments = Json::Object({{"fdname", "dump"}});
  pass.fd = fd;
  dump.name = "dump-guest-memory";
  dump.arguments = Json::Object({{"paging", false}, {"protocol", "fd:dump"}, {"format", format}, {"detach", true}});
  std::vector<MonitorCommand> commands;
  commands.push_back(std::move(pass));
  commands.push_back(std::move(dump));
  auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
  for (auto& reply : replies) reply.Value();
  for (;;) {
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationFailed, "domain is not running");
    auto answer = co_await guests->MonitorOf(domain).Execute("query-dump");
    auto status = answer["status"].AsString().value_or("");
    if (status == "completed") co_return;
    if (status == "failed") Fail(ErrorCode::kOperationFailed, "memory-only dump failed");
    co_await Sleep(kLook);
  }
}

}  // namespace

Task<> QemuDriver::DumpTo(DomainPtr domain, std::string path, unsigned format, unsigned flags) {
  const bool memory_only = flags & kMemoryOnly;
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kDump, kOperationDump, "remoteDispatchDomainCoreDump");
  RequireActive(*domain);
  if (format >= std::size(kFormats)) Fail(ErrorCode::kInvalidArg, fmt::format("unknown dumpformat '{}'", format));
  if (format != 0 && !memory_only) Fail(ErrorCode::kOperationUnsupported, "kdump-compressed format is only supported with memory-only dump");
  auto* guest = domain->guest.get();
  const bool was_running = domain->state() == State::kRunning;
  std::exception_ptr failure;
  std::shared_ptr<Fd> file;
  try {
    // What stands still is dumped as it is at one moment.
    if (was_running && !(flags & kLive)) co_await guests_->Pause(domain, paused::kDump);
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationFailed, "guest unexpectedly quit");
    auto create = [path, direct = (flags & kBypassCache) != 0] { return CreateFile(path, direct); };
    file = co_await Offload(std::move(create));
    if (memory_only) {
      co_await DumpMemory(domain, guests_.get(), file->get(), kFormats[format]);
    } else {
      co_await MigrateToFd(domain, guests_->MonitorOf(domain), file->get());
    }
    auto sync = [file, path] {
      if (fsync(file->get()) != 0) throw SystemError(ErrorDomain::kQemu, fmt::format("unable to close file {}", path));
    };
    co_await Offload(std::move(sync));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && file) unlink(path.c_str());
  if (domain->guest.get() != guest) {
    if (failure) std::rethrow_exception(failure);
    co_return;
  }
  if (!failure) {
    if (flags & kCrash) {
      co_await guests_->Stop(domain, shutoff::kCrashed, stopped::kCrashed);
      co_return;
    }
    if (flags & kReset) co_await guests_->MonitorOf(domain).Execute("system_reset");
  }
  const bool resume = (flags & kReset) || was_running;
  if (resume && domain->guest.get() == guest && domain->state() == State::kPaused) co_await guests_->Resume(domain, running::kUnpaused);
  if (failure) std::rethrow_exception(failure);
}

Task<> QemuDriver::DomainCoreDump(Call&, remote::DomainCoreDumpArgs args) {
  CheckFlags(args.flags, kAll, "qemuDomainCoreDumpWithFormat");
  auto domain = co_await Get(args.dom);
  co_await DumpTo(domain, args.to, 0, args.flags);
}

Task<> QemuDriver::DomainCoreDumpWithFormat(Call&, remote::DomainCoreDumpWithFormatArgs args) {
  CheckFlags(args.flags, kAll, "qemuDomainCoreDumpWithFormat");
  auto domain = co_await Get(args.dom);
  co_await DumpTo(domain, args.to, args.dumpformat, args.flags);
}

}  // namespace bv::qemu
