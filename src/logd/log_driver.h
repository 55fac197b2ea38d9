#pragma once

#include <list>
#include <memory>
#include <string>

#include "base/loop.h"
#include "daemon/driver.h"
#include "logd/rotating_file.h"
#include "protocol/log_protocol.h"
#include "rpc/service.h"

namespace bv::logd {

// What virtlogd does: holds the files that guests write their output into, each behind a pipe, so that
// a guest's logs go on while everything else is restarted, and cannot fill the disk.
class LogDriver : public Driver {
 public:
  explicit LogDriver(const DriverEnvironment& environment);
  ~LogDriver() override;

  void Register(Service& service) override;
  bool HasActiveObjects() const override { return !logs_.empty(); }

 private:
  struct OpenLog;

  Task<log_protocol::DomainOpenLogFileRet> Open(Call& call, log_protocol::DomainOpenLogFileArgs args);
  Task<log_protocol::DomainGetLogFilePositionRet> GetPosition(Call& call, log_protocol::DomainGetLogFilePositionArgs args);
  Task<log_protocol::DomainReadLogFileRet> Read(Call& call, log_protocol::DomainReadLogFileArgs args);
  Task<log_protocol::DomainAppendLogFileRet> Append(Call& call, log_protocol::DomainAppendLogFileArgs args);

  OpenLog* Find(const std::string& path);
  void Drain(OpenLog& log);

  const DriverEnvironment environment_;
  RotationLimits limits_;
  std::list<std::unique_ptr<OpenLog>> logs_;
};

}  // namespace bv::logd
