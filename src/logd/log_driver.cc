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

}  // namespace

LogDriver::LogDriver(const DriverEnvironment& environment)
    : environment_(environment),
      limits_(LimitsOf(environment.config)),
      compressor_(limits_.max_backups, [this](std::string path) { return HoldOpen(std::move(path)); }),
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
  co_await compressor_.Stop();
  co_await Hold(kNever);
  auto take_all = [this] {
    for (auto& held : held_) held.pump().TakeAll();
  };
  co_await Offload(std::move(take_all));
}

void LogDriver::Register(Service& service) {
  service.On<proc::DomainOpenLogFile>(this, &LogDriver::Open);
  service.On<proc::DomainGetLogFilePosition>(this, &LogDriver::GetPosition);
  service.On<proc::DomainReadLogFile>(this, &LogDriver::Read);
  service.On<proc::DomainAppendLogFile>(this, &LogDriver::Append);
}

std::shared_ptr<LogTurns::Log> LogDriver::Find(const std::string& path) const {
  auto found = logs_.find(path);
  return found == logs_.end() ? nullptr : found->second.log;
}

// While we wait it may be closed, and opened anew.
Task<std::optional<LogTurns::Held>> LogDriver::HoldOpen(std::string path) {
  while (auto log = Find(path)) {
    auto held = co_await turns_.Hold(log);
    if (Find(path) == log) co_return held;
  }
  co_return std::nullopt;
}

// What guests wrote before somebody asks counts as written.
Task<> LogDriver::TakeAll(std::string path) {
  auto held = co_await HoldOpen(std::move(path));
  if (!held) co_return;
  auto take = [&pump = held->pump()] { pump.TakeAll(); };
  co_await Offload(std::move(take));
}

Task<bool> LogDriver::Hold(Deadline deadline) {
  Release();
  for (const auto& [path, log] : std::map(logs_)) {
    auto held = co_await turns_.Hold(log.log, deadline);
    if (!held) co_return false;
    held_.push_back(std::move(*held));
  }
  co_return true;
}

RotatingFile LogDriver::OpenFile(const std::string& path, bool truncate) {
  return Prepare(RotatingFile(path, limits_, truncate));
}

RotatingFile LogDriver::Prepare(RotatingFile file) {
  file.on_discard = [this](Fd old) { turns_.Discard(std::move(old)); };
  if (limits_.compress) {
    file.on_roll_over = [this, path = file.path()] { turns_.ToLoop([this, path] { compressor_.Add(path); }); };
    compressor_.Add(file.path());
  }
  return file;
}

std::shared_ptr<LogTurns::Log> LogDriver::AddLog(const std::string& path, RotatingFile file, Fd pipe) {
  return turns_.Add(LogPump(std::move(file), std::move(pipe)), [this, path] { Spawn(Close(path), "close a log"); });
}

Task<> LogDriver::Close(std::string path) {
  auto held = co_await HoldOpen(path);
  logs_.erase(path);
  if (logs_.empty()) environment_.on_idle();
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
  DomainOpenLogFileRet ret;
  ret.pos = FromLogPosition(file.position());
  auto log = AddLog(args.path, std::move(file), std::move(read_end));
  logs_[args.path] = {std::move(args.driver), std::move(args.dom), std::move(log)};
  call.reply_fds.push_back(std::move(write_end));
  co_return ret;
}

Task<DomainGetLogFilePositionRet> LogDriver::GetPosition(Call&, DomainGetLogFilePositionArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainGetLogFilePosition");
  auto held = co_await HoldOpen(args.path);
  if (!held) throw Error(ErrorDomain::kLogging, ErrorCode::kInternalError, "No open log file " + args.path);
  auto position = [&pump = held->pump()] {
    pump.TakeAll();
    return pump.file().position();
  };
  DomainGetLogFilePositionRet ret;
  ret.pos = FromLogPosition(co_await Offload(std::move(position)));
  co_return ret;
}

Task<DomainReadLogFileRet> LogDriver::Read(Call&, DomainReadLogFileArgs args) {
  if (args.maxlen > kMaxRead) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                fmt::format("Requested data len {} is larger than maximum {}", args.maxlen, kMaxRead));
  }
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainReadLogFile");
  co_await TakeAll(args.path);
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
  auto held = co_await HoldOpen(args.path);
  if (held) {
    auto append = [&pump = held->pump(), message = std::move(args.message)] {
      pump.TakeAll();
      pump.file().Append(message);
    };
    co_await Offload(std::move(append));
  } else {
    OpenFile(args.path, false).Append(args.message);
  }
  co_return DomainAppendLogFileRet{};
}

}  // namespace bv::logd
