#pragma once

#include <string>

#include "logd/log_files.h"

namespace bv::logd {

// Reads up to `max` bytes of the log at `path` from `from` on, through roll-overs and compressed backups
// alike; from the oldest byte that is left when that file is gone. May run beside a writer that rolls
// the files over meanwhile. Blocks. Throws kSystemError (domain kNone) when there is no file at all.
std::string ReadLog(const std::string& path, unsigned max_backups, LogPosition from, std::uint64_t max);

}  // namespace bv::logd
