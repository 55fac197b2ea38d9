#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/doors.h"
#include "daemon/background_work.h"
#include "daemon/driver.h"
#include "logd/compressor.h"
#include "logd/log_cleaner.h"
#include "logd/log_turns.h"
#include "protocol/log_protocol.h"
#include "rpc/service.h"

namespace bv::logd {

// What virtlogd does: holds the files that guests write their output into, each behind a pipe, so that
// a guest's logs go on while everything else is restarted, and cannot fill the disk.
//
// A log lives until the last writer of its pipe is gone, not until the client that opened it is. When
// virtlogd is killed (SIGKILL), what is in the pipes is lost, writers get EPIPE, and no later virtlogd
// takes the logs up again before the guests are restarted. An orderly end writes what is there first.
// Calls fail in domain kLogging, files in kNone.
class LogDriver : public Driver, public BackgroundWork {
 public:
  explicit LogDriver(const DriverEnvironment& environment);
  ~LogDriver() override;

  Task<> Start() override;
  Task<> Stop() override;
  void Register(Service& service) override;
  bool HasActiveObjects() const override { return !logs_.empty(); }
  // Both throw kOperationTimeout when a log's file does not answer: an upgrade would cut off what waits for it.
  void CheckReady() const override;
  // Hold() does when it is always the same log that takes too long: its file does not answer.
  Task<bool> Hold(Deadline deadline) override;
  void Release() override { held_.clear(); }
  // log_upgrade.cc
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;
  void CheckState(const Json& state) const override;

 private:
  // Who opened a log, and for which guest.
  struct OpenLog {
    std::string driver;
    log_protocol::Domain domain;
    std::shared_ptr<LogTurns::Log> log;
  };

  Task<log_protocol::DomainOpenLogFileRet> Open(Call& call, log_protocol::DomainOpenLogFileArgs args);
  Task<log_protocol::DomainGetLogFilePositionRet> GetPosition(Call& call, log_protocol::DomainGetLogFilePositionArgs args);
  Task<log_protocol::DomainReadLogFileRet> Read(Call& call, log_protocol::DomainReadLogFileArgs args);
  Task<log_protocol::DomainAppendLogFileRet> Append(Call& call, log_protocol::DomainAppendLogFileArgs args);

  // Null when it is not open.
  std::shared_ptr<LogTurns::Log> Find(const std::string& path) const;
  // Nullopt when it is not open. Throws kOperationTimeout at the deadline.
  Task<std::optional<LogTurns::Held>> HoldOpen(std::string path, Deadline deadline = kNever);
  // What a call does with the files of one log: `work` off the loop, alone, given null when the log is not open,
  // and `then` with its result on the loop. Throws what they do, and kOperationTimeout when the files do not
  // answer soon. It is done nevertheless when they do.
  template <typename T>
  struct Outcome {
    Event known;
    std::optional<T> value;
    std::exception_ptr error;
  };
  template <typename Work, typename Then>
  using ResultOf = std::invoke_result_t<Then, std::invoke_result_t<Work, LogPump*>>;
  template <typename Work, typename Then>
  auto WithFiles(std::string path, Work work, Then then) -> Task<ResultOf<Work, Then>>;
  template <typename Work, typename Then>
  Task<> Begin(std::string path, Work work, Then then, std::shared_ptr<Outcome<ResultOf<Work, Then>>> outcome);
  // With what is to be done at its roll-overs.
  std::function<void(RotatingFile&)> Preparation(const std::string& path);
  void Add(const std::string& path, OpenLog log, RotatingFile file, Fd pipe);
  Task<> Close(std::string path);
  Task<> TakeLast(std::string path, std::shared_ptr<Event> all_taken);

  const DriverEnvironment environment_;
  RotationLimits limits_;
  std::map<std::string, OpenLog> logs_;  // by path
  Doors doors_;  // by path: keep others from opening the file, or creating it, meanwhile
  std::size_t to_take_ = 0;  // logs that an orderly end still waits for
  std::shared_ptr<LogTurns> turns_ = LogTurns::Make();
  std::string slow_log_;  // that kept an upgrade from being made
  int tries_ = 0;         // so often in a row
  std::vector<LogTurns::Held> held_;  // all of them, before an upgrade
  Compressor compressor_;
  LogCleaner cleaner_;
};

}  // namespace bv::logd
