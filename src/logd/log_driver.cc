#include "logd/log_driver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "daemon/config.h"
#include "daemon/descriptor_limit.h"
#include "logd/log_reader.h"

namespace bv::logd {

using namespace log_protocol;

namespace {

// The protocol's limit for one reply.
constexpr std::uint64_t kMaxRead = 4u << 20;

RotationLimits LimitsOf(const DaemonConfig* config) {
  if (!config) return {};
  return {config->max_size, config->max_backups, config->compress == "zstd"};
}

LogPosition ToLogPosition(const LogFilePosition& position) { return {position.inode, position.offset}; }
LogFilePosition FromLogPosition(const LogPosition& position) { return {position.inode, position.offset}; }

Task<> CloseElsewhere(Fd file) {
  auto close_it = [fd = file.Release()] { close(fd); };
  co_await Offload(std::move(close_it));
}

}  // namespace

LogDriver::LogDriver(const DriverEnvironment& environment)
    : environment_(environment),
      limits_(LimitsOf(environment.config)),
      compressor_(limits_.max_backups),
      cleaner_(environment.config ? environment.config->log_root.value_or(environment.log_dir) : environment.log_dir,
               environment.config ? environment.config->max_age_days : 0,
               [this](const std::string& path) { return Find(path) != nullptr; }) {}

LogDriver::~LogDriver() = default;

Task<> LogDriver::Start() {
  UseAllDescriptors();
  cleaner_.Start();
  co_return;
}

Task<> LogDriver::Stop() {
  for (auto& [path, log] : logs_) log.pump->TakeAll();
  co_await compressor_.Stop();
}

void LogDriver::Register(Service& service) {
  service.On<proc::DomainOpenLogFile>(this, &LogDriver::Open);
  service.On<proc::DomainGetLogFilePosition>(this, &LogDriver::GetPosition);
  service.On<proc::DomainReadLogFile>(this, &LogDriver::Read);
  service.On<proc::DomainAppendLogFile>(this, &LogDriver::Append);
}

LogPump* LogDriver::Find(const std::string& path) {
  auto found = logs_.find(path);
  return found == logs_.end() ? nullptr : found->second.pump.get();
}

RotatingFile LogDriver::OpenFile(const std::string& path, bool truncate) {
  return Prepare(RotatingFile(path, limits_, truncate));
}

RotatingFile LogDriver::Prepare(RotatingFile file) {
  file.on_discard = [](Fd old) { Spawn(CloseElsewhere(std::move(old)), "drop an old log"); };
  if (limits_.compress) {
    file.on_roll_over = [this, path = file.path()] { compressor_.Add(path); };
    compressor_.Add(file.path());
  }
  return file;
}

// Flags that are not known are ignored here, and here only; clients may rely on it.
Task<DomainOpenLogFileRet> LogDriver::Open(Call& call, DomainOpenLogFileArgs args) {
  if (Find(args.path)) {
    throw VerbatimError(ErrorDomain::kLogging, ErrorCode::kSystemError,
                        "Cannot open log file: '" + args.path + "': Device or resource busy");
  }
  RotatingFile file = OpenFile(args.path, (args.flags & kDomainOpenLogFileTruncate) != 0);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) throw SystemError(ErrorDomain::kLogging, "Cannot open a pipe");
  Fd read_end(ends[0]), write_end(ends[1]);
  auto pump = std::make_unique<LogPump>(std::move(file), std::move(read_end), [this, path = args.path] { OnEnd(path); });
  call.reply_fds.push_back(std::move(write_end));
  DomainOpenLogFileRet ret;
  ret.pos = FromLogPosition(pump->file().position());
  logs_[args.path] = {std::move(args.driver), std::move(args.dom), std::move(pump)};
  co_return ret;
}

void LogDriver::OnEnd(const std::string& path) {
  logs_.erase(path);
  if (logs_.empty()) environment_.on_idle();
}

// What a guest wrote before somebody asks counts as written.
Task<DomainGetLogFilePositionRet> LogDriver::GetPosition(Call&, DomainGetLogFilePositionArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainGetLogFilePosition");
  LogPump* log = Find(args.path);
  if (!log) throw Error(ErrorDomain::kLogging, ErrorCode::kInternalError, "No open log file " + args.path);
  log->TakeAll();
  DomainGetLogFilePositionRet ret;
  ret.pos = FromLogPosition(log->file().position());
  co_return ret;
}

Task<DomainReadLogFileRet> LogDriver::Read(Call&, DomainReadLogFileArgs args) {
  if (args.maxlen > kMaxRead) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                fmt::format("Requested data len {} is larger than maximum {}", args.maxlen, kMaxRead));
  }
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainReadLogFile");
  if (LogPump* log = Find(args.path)) log->TakeAll();
  DomainReadLogFileRet ret;
  // Named, not a temporary of the awaited call: see base/task.h.
  auto read = [path = args.path, backups = limits_.max_backups, from = ToLogPosition(args.pos), max = args.maxlen] {
    return ReadLog(path, backups, from, max);
  };
  ret.data = co_await Offload(std::move(read));
  co_return ret;
}

Task<DomainAppendLogFileRet> LogDriver::Append(Call&, DomainAppendLogFileArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainAppendLogFile");
  if (LogPump* log = Find(args.path)) {
    log->TakeAll();
    log->file().Append(args.message);
  } else {
    OpenFile(args.path, false).Append(args.message);
  }
  co_return DomainAppendLogFileRet{};
}

}  // namespace bv::logd
