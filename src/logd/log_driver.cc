#include "logd/log_driver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/wait.h"
#include "daemon/config.h"

namespace bv::logd {

using namespace log_protocol;

namespace {

// What one guest may write before the others have their turn.
constexpr std::size_t kTurn = 1u << 20;
// One reply's worth; the reader asks again.
constexpr std::uint64_t kMaxRead = 4u << 20;

void RefuseFlags(std::uint32_t flags, std::uint32_t known) {
  if (flags & ~known) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg,
                fmt::format("unsupported flags (0x{:x})", flags & ~known));
  }
}

// The directories belong to the daemon: a guest's manager names files in them, not anywhere.
void RefuseRelative(const std::string& path) {
  if (!path.starts_with('/')) throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "log file path must be absolute");
}

}  // namespace

struct LogDriver::OpenLog {
  OpenLog(RotatingFile file, Fd pipe) : file(std::move(file)), pipe(std::move(pipe)) {}
  RotatingFile file;
  Fd pipe;
  std::optional<FdWatch> watch;
};

LogDriver::LogDriver(const DriverEnvironment& environment) : environment_(environment) {
  if (environment.config) limits_ = {environment.config->max_size, environment.config->max_backups};
}

LogDriver::~LogDriver() = default;

void LogDriver::Register(Service& service) {
  service.On<proc::DomainOpenLogFile>(this, &LogDriver::Open);
  service.On<proc::DomainGetLogFilePosition>(this, &LogDriver::GetPosition);
  service.On<proc::DomainReadLogFile>(this, &LogDriver::Read);
  service.On<proc::DomainAppendLogFile>(this, &LogDriver::Append);
}

LogDriver::OpenLog* LogDriver::Find(const std::string& path) {
  auto found = std::ranges::find_if(logs_, [&](auto& log) { return log->file.path() == path; });
  return found == logs_.end() ? nullptr : found->get();
}

Task<DomainOpenLogFileRet> LogDriver::Open(Call& call, DomainOpenLogFileArgs args) {
  RefuseFlags(args.flags, kDomainOpenLogFileTruncate);
  RefuseRelative(args.path);
  if (Find(args.path)) {
    throw Error(ErrorDomain::kNone, ErrorCode::kOperationInvalid, "Cannot open log file: '" + args.path + "': Device or resource busy");
  }
  MakeDirs(args.path.substr(0, args.path.rfind('/')));
  RotatingFile file(args.path, limits_, (args.flags & kDomainOpenLogFileTruncate) != 0);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) throw SystemError(ErrorDomain::kNone, "cannot create a pipe");
  Fd read_end(ends[0]), write_end(ends[1]);
  fcntl(read_end.get(), F_SETFL, O_NONBLOCK);

  auto& log = *logs_.emplace_back(std::make_unique<OpenLog>(std::move(file), std::move(read_end)));
  log.watch.emplace(log.pipe.get(), EPOLLIN, [this, &log](std::uint32_t) { Drain(log); });
  call.reply_fds.push_back(std::move(write_end));
  DomainOpenLogFileRet ret;
  ret.pos = {log.file.position().inode, log.file.position().offset};
  co_return ret;
}

// The rest waits for the next round of the loop: the pipe stays readable.
void LogDriver::Drain(OpenLog& log) {
  for (std::size_t moved = 0; moved < kTurn;) {
    auto step = log.file.TakeFromPipe(log.pipe.get(), kTurn - moved);
    if (step < 0) return;
    if (step == 0) {
      logs_.remove_if([&](auto& other) { return other.get() == &log; });
      environment_.on_idle();
      return;
    }
    moved += static_cast<std::size_t>(step);
  }
}

Task<DomainGetLogFilePositionRet> LogDriver::GetPosition(Call&, DomainGetLogFilePositionArgs args) {
  RefuseFlags(args.flags, 0);
  OpenLog* log = Find(args.path);
  if (!log) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "No open log file " + args.path);
  DomainGetLogFilePositionRet ret;
  ret.pos = {log->file.position().inode, log->file.position().offset};
  co_return ret;
}

Task<DomainReadLogFileRet> LogDriver::Read(Call&, DomainReadLogFileArgs args) {
  RefuseFlags(args.flags, 0);
  RefuseRelative(args.path);
  DomainReadLogFileRet ret;
  ret.data = co_await Offload([path = args.path, backups = limits_.max_backups,
                               from = LogPosition{args.pos.inode, args.pos.offset},
                               max = std::min(args.maxlen, kMaxRead)] { return ReadRotated(path, backups, from, max); });
  co_return ret;
}

Task<DomainAppendLogFileRet> LogDriver::Append(Call&, DomainAppendLogFileArgs args) {
  RefuseFlags(args.flags, 0);
  RefuseRelative(args.path);
  if (OpenLog* log = Find(args.path)) {
    log->file.Append(args.message);
  } else {
    RotatingFile(args.path, limits_, false).Append(args.message);
  }
  DomainAppendLogFileRet ret;
  ret.ret = static_cast<std::int32_t>(args.message.size());
  co_return ret;
}

}  // namespace bv::logd
