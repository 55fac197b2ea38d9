#include "logd/log_driver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
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
// How long a call waits for a log's files.
constexpr std::chrono::seconds kAnswerLimit{10};
// What an orderly end waits for files, and then for turns that are under way.
constexpr std::chrono::seconds kEndLimit{3}, kCloseLimit{1};
// An upgrade is refused when the same log has kept it from being made so often.
constexpr int kTries = 3;
constexpr const char* kLogSource = "logging.log_handler";
constexpr auto kAsItIs = [](auto value) { return value; };

RotationLimits LimitsOf(const DaemonConfig* config) {
  if (!config) return {};
  return {config->max_size, config->max_backups, config->compress == "zstd"};
}

LogPosition ToLogPosition(const LogFilePosition& position) { return {position.inode, position.offset}; }
LogFilePosition FromLogPosition(const LogPosition& position) { return {position.inode, position.offset}; }

Error DoesNotAnswer(const std::string& path) {
  return Error(ErrorDomain::kLogging, ErrorCode::kOperationTimeout, "the file of the log " + path + " does not answer");
}

Error IsOpen(const std::string& path) {
  return VerbatimError(ErrorDomain::kLogging, ErrorCode::kSystemError,
                       "Cannot open log file: '" + path + "': Device or resource busy");
}

}  // namespace

LogDriver::LogDriver(const DriverEnvironment& environment)
    : environment_(environment),
      limits_(LimitsOf(environment.config)),
      compressor_(limits_.max_backups, [this](std::string path) { return HoldOpen(std::move(path)); }),
      cleaner_(environment.config ? environment.config->log_root.value_or(environment.log_dir) : environment.log_dir,
               environment.config ? environment.config->max_age_days : 0,
               [this](const std::string& path) { return Find(path) != nullptr; }) {}

LogDriver::~LogDriver() { turns_->Close(In(kCloseLimit)); }

Task<> LogDriver::Start() {
  UseAllDescriptors();
  cleaner_.Start();
  co_return;
}

// Each for itself, so that one whose file does not answer costs nobody else the end of his output.
Task<> LogDriver::Stop() {
  Deadline end = In(kEndLimit);
  co_await compressor_.Stop(end);
  if (logs_.empty()) co_return;
  auto all_taken = std::make_shared<Event>();
  to_take_ = logs_.size();
  for (const auto& [path, log] : std::map(logs_)) Spawn(TakeLast(path, all_taken), "end a log");
  if (co_await all_taken->Wait(end)) co_return;
  LogWarn(kLogSource, "the files of {} logs do not answer: what was written to them last is lost", to_take_);
}

Task<> LogDriver::TakeLast(std::string path, std::shared_ptr<Event> all_taken) {
  auto held = co_await HoldOpen(std::move(path));
  if (held) {
    auto take = [log = held->log(), &pump = held->pump()] { pump.TakeAll(); };
    co_await Offload(std::move(take));
  }
  if (--to_take_ == 0) all_taken->Set();
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
Task<std::optional<LogTurns::Held>> LogDriver::HoldOpen(std::string path, Deadline deadline) {
  while (auto log = Find(path)) {
    auto held = co_await turns_->Hold(log, deadline);
    if (!held) throw DoesNotAnswer(path);
    if (Find(path) == log) co_return held;
  }
  co_return std::nullopt;
}

template <typename Work, typename Then>
auto LogDriver::WithFiles(std::string path, Work work, Then then) -> Task<ResultOf<Work, Then>> {
  auto outcome = std::make_shared<Outcome<ResultOf<Work, Then>>>();
  Spawn(Begin(path, std::move(work), std::move(then), outcome), "use a log");
  bool answered = co_await outcome->known.Wait(In(kAnswerLimit));
  if (!answered) throw DoesNotAnswer(path);
  if (outcome->error) std::rethrow_exception(outcome->error);
  co_return std::move(*outcome->value);
}

template <typename Work, typename Then>
Task<> LogDriver::Begin(std::string path, Work work, Then then, std::shared_ptr<Outcome<ResultOf<Work, Then>>> outcome) {
  Deadline deadline = In(kAnswerLimit);
  try {
    auto door = co_await doors_.Enter(path, deadline);
    if (!door) throw DoesNotAnswer(path);
    auto held = co_await HoldOpen(path, deadline);
    auto log = held ? held->log() : nullptr;
    auto run = [work = std::move(work), log, pump = held ? &held->pump() : nullptr] { return work(pump); };
    auto done = co_await Offload(std::move(run));
    outcome->value = then(std::move(done));
  } catch (...) {
    outcome->error = std::current_exception();
  }
  outcome->known.Set();
}

void LogDriver::CheckReady() const {
  for (const auto& [path, log] : logs_) {
    if (turns_->IsStuck(*log.log)) throw DoesNotAnswer(path);
  }
}

Task<bool> LogDriver::Hold(Deadline deadline) {
  Release();
  for (const auto& [path, log] : std::map(logs_)) {
    auto held = co_await turns_->Hold(log.log, deadline);
    if (!held) {
      tries_ = std::exchange(slow_log_, path) == path ? tries_ + 1 : 1;
      if (tries_ < kTries) co_return false;
      tries_ = 0;
      throw DoesNotAnswer(path);
    }
    held_.push_back(std::move(*held));
  }
  tries_ = 0;
  co_return true;
}

std::function<void(RotatingFile&)> LogDriver::Preparation(const std::string& path) {
  return [this, path, compress = limits_.compress, turns = std::weak_ptr(turns_)](RotatingFile& file) {
    file.on_discard = [turns](Fd old) {
      if (auto alive = turns.lock()) alive->Discard(std::move(old));
    };
    file.on_full = [turns] {
      auto alive = turns.lock();
      return alive && alive->FreeDiscarded();
    };
    if (!compress) return;
    file.on_roll_over = [this, path, turns] {
      if (auto alive = turns.lock()) alive->ToLoop([this, path] { compressor_.Add(path); });
    };
  };
}

void LogDriver::Add(const std::string& path, OpenLog log, RotatingFile file, Fd pipe) {
  Preparation(path)(file);
  if (limits_.compress) compressor_.Add(path);
  log.log = turns_->Add(LogPump(std::move(file), std::move(pipe)), [this, path] { Spawn(Close(path), "close a log"); });
  logs_[path] = std::move(log);
}

Task<> LogDriver::Close(std::string path) {
  auto held = co_await HoldOpen(path);
  auto log = Find(path);
  logs_.erase(path);
  held.reset();
  if (logs_.empty()) environment_.on_idle();
  // The last of the file, which may have to tell its server.
  auto drop = [log = std::move(log)]() mutable { log.reset(); };
  co_await Offload(std::move(drop));
}

// Flags that are not known are ignored here, and here only; clients may rely on it.
Task<DomainOpenLogFileRet> LogDriver::Open(Call& call, DomainOpenLogFileArgs args) {
  if (Find(args.path)) throw IsOpen(args.path);
  auto open = [path = args.path, limits = limits_, truncate = (args.flags & kDomainOpenLogFileTruncate) != 0](LogPump* pump) {
    if (pump) throw IsOpen(path);
    return RotatingFile(path, limits, truncate);
  };
  struct Opened {
    LogFilePosition position;
    Fd write_end;
  };
  auto add = [this, path = args.path, log = OpenLog{args.driver, args.dom, nullptr}](RotatingFile file) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) throw SystemError(ErrorDomain::kLogging, "Cannot open a pipe");
    Fd read_end(ends[0]), write_end(ends[1]);
    auto position = FromLogPosition(file.position());
    Add(path, log, std::move(file), std::move(read_end));
    return Opened{position, std::move(write_end)};
  };
  auto opened = co_await WithFiles(args.path, std::move(open), std::move(add));
  DomainOpenLogFileRet ret;
  ret.pos = opened.position;
  call.reply_fds.push_back(std::move(opened.write_end));
  co_return ret;
}

// What guests wrote before somebody asks counts as written, here and below.
Task<DomainGetLogFilePositionRet> LogDriver::GetPosition(Call&, DomainGetLogFilePositionArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainGetLogFilePosition");
  Error not_open(ErrorDomain::kLogging, ErrorCode::kInternalError, "No open log file " + args.path);
  auto position = [not_open](LogPump* pump) {
    if (!pump) throw not_open;
    pump->TakeAll();
    return pump->file().position();
  };
  DomainGetLogFilePositionRet ret;
  ret.pos = FromLogPosition(co_await WithFiles(args.path, std::move(position), kAsItIs));
  co_return ret;
}

Task<DomainReadLogFileRet> LogDriver::Read(Call&, DomainReadLogFileArgs args) {
  if (args.maxlen > kMaxRead) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                fmt::format("Requested data len {} is larger than maximum {}", args.maxlen, kMaxRead));
  }
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainReadLogFile");
  auto read = [path = args.path, backups = limits_.max_backups, from = ToLogPosition(args.pos), max = args.maxlen](LogPump* pump) {
    if (pump) pump->TakeAll();
    return ReadLog(path, backups, from, max);
  };
  DomainReadLogFileRet ret;
  ret.data = co_await WithFiles(args.path, std::move(read), kAsItIs);
  co_return ret;
}

Task<DomainAppendLogFileRet> LogDriver::Append(Call&, DomainAppendLogFileArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kLogging, "virLogHandlerDomainAppendLogFile");
  auto append = [path = args.path, limits = limits_, prepare = Preparation(args.path), message = args.message](LogPump* pump) {
    if (pump) {
      pump->TakeAll();
      pump->file().Append(message);
    } else {
      RotatingFile file(path, limits, false);
      prepare(file);
      file.Append(message);
    }
    return true;
  };
  co_await WithFiles(args.path, std::move(append), kAsItIs);
  co_return DomainAppendLogFileRet{};
}

}  // namespace bv::logd
