#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace bv::logd {

// An open log in the state of a live upgrade (upgrade/state.h), as libvirt's virtlogd has it:
//   "handler": { "files": [ { "pipefd": FD, "path", "driver", "domname", "domuuid",
//                             "busyvirt": { "file": FD, "lost": BYTES } } ] }
// Without "file" the log goes on at the end of what is at the path.
struct SavedLog {
  int pipe = -1;   // the end that is read
  int file = -1;   // -1: to be opened by its path
  std::string path;
  std::string driver, domain_name, domain_uuid;  // who opened it
  std::uint64_t lost = 0;                        // bytes that could not be written so far
};

// Adds the member to the state, and finds it there. Parsing throws kInternalError; no member: none.
void FormatLogs(const std::vector<SavedLog>& logs, Json& state);
std::vector<SavedLog> ParseLogs(const Json& state);

}  // namespace bv::logd
