#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/loop.h"
#include "base/task.h"

namespace bv::logd {

// Removes logs that nobody wrote to for `max_age_days`, once at the start and then once a day: files
// NAME.log, NAME.log.N and their compressed forms in `root` and the directories right below it. A log
// goes as a whole when its newest file is too old, and never while it is open. Belongs to the loop.
class LogCleaner {
 public:
  // `is_open` tells whether the log of that path is being written. 0 days: never does anything.
  LogCleaner(std::string root, unsigned max_age_days, std::function<bool(const std::string&)> is_open);

  void Start();
  // One round.
  Task<> Clean();

 private:
  std::string root_;
  std::chrono::hours max_age_;
  std::function<bool(const std::string&)> is_open_;
  Timer next_;
};

// "NAME.log" for "NAME.log", "NAME.log.3" and "NAME.log.3.zst"; empty for everything else.
std::string LogOf(const std::string& file_name);

}  // namespace bv::logd
