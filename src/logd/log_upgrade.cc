// The part of LogDriver that goes from one process image to the next. What the pipes hold stays in them.

#include "base/error.h"
#include "base/log.h"
#include "logd/log_driver.h"
#include "logd/log_state.h"
#include "upgrade/fds.h"

namespace bv::logd {

void LogDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  std::vector<SavedLog> logs;
  for (const auto& [path, log] : logs_) {
    auto now = turns_->LookAt(*log.log);
    logs.push_back({.pipe = fds.Pass(now.pipe),
                    .file = fds.Pass(now.file),
                    .path = path,
                    .driver = log.driver,
                    .domain_name = log.domain.name,
                    .domain_uuid = log.domain.uuid.ToString(),
                    .lost = now.lost});
  }
  FormatLogs(logs, state);
}

void LogDriver::CheckState(const Json& state) const { ParseLogs(state); }

void LogDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  for (SavedLog& saved : ParseLogs(state)) {
    // One that is lost does not cost the others theirs.
    try {
      Fd pipe = fds.Take(saved.pipe);
      RotatingFile file = saved.file >= 0 ? RotatingFile(saved.path, limits_, fds.Take(saved.file), saved.lost)
                                          : RotatingFile(saved.path, limits_, false);
      log_protocol::Domain domain{Uuid::Parse(saved.domain_uuid).value_or(Uuid{}), saved.domain_name};
      Add(saved.path, {std::move(saved.driver), std::move(domain), nullptr}, std::move(file), std::move(pipe));
    } catch (const Error& error) {
      LogError("logging.log_handler", "cannot go on with the log {}: {}", saved.path, error.what());
    }
  }
}

}  // namespace bv::logd
