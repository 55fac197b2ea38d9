#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  // Nullopt when it is not open.
  Task<std::optional<LogTurns::Held>> HoldOpen(std::string path);
  RotatingFile OpenFile(const std::string& path, bool truncate);
  // With what is to be done at its roll-overs.
  RotatingFile Prepare(RotatingFile file);
  std::shared_ptr<LogTurns::Log> AddLog(const std::string& path, RotatingFile file, Fd pipe);
  Task<> Close(std::string path);
  Task<> TakeAll(std::string path);

  const DriverEnvironment environment_;
  RotationLimits limits_;
  std::map<std::string, OpenLog> logs_;  // by path
  LogTurns turns_;
  std::vector<LogTurns::Held> held_;  // all of them, before an upgrade
  Compressor compressor_;
  LogCleaner cleaner_;
};

}  // namespace bv::logd
