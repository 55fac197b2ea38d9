#include "logd/log_state.h"

#include "base/error.h"
#include "upgrade/fds.h"

namespace bv::logd {

void FormatLogs(const std::vector<SavedLog>& logs, Json& state) {
  Json files = Json::Array();
  for (const SavedLog& log : logs) {
    files.Append(Json::Object({{"pipefd", log.pipe},
                               {"path", log.path},
                               {"driver", log.driver},
                               {"domname", log.domain_name},
                               {"domuuid", log.domain_uuid},
                               {"busyvirt", Json::Object({{"file", log.file}, {"lost", log.lost}})}}));
  }
  state.Set("handler", Json::Object({{"files", files}}));
}

std::vector<SavedLog> ParseLogs(const Json& state) {
  std::vector<SavedLog> logs;
  for (const Json& file : state.Find("handler").Find("files").elements()) {
    SavedLog log;
    log.pipe = upgrade::InheritedFds::NumberIn(file.Find("pipefd"));
    log.path = file.Find("path").AsString().value_or("");
    if (log.pipe < 0 || !log.path.starts_with('/')) {
      throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "cannot take over the state: a log has no pipe or no path");
    }
    log.driver = file.Find("driver").AsString().value_or("");
    log.domain_name = file.Find("domname").AsString().value_or("");
    log.domain_uuid = file.Find("domuuid").AsString().value_or("");
    Json ours = file.Find("busyvirt");
    log.file = upgrade::InheritedFds::NumberIn(ours.Find("file"));
    log.lost = ours.Find("lost").AsUint().value_or(0);
    logs.push_back(std::move(log));
  }
  return logs;
}

}  // namespace bv::logd
