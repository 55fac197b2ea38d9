#include "logd/log_cleaner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "base/wait.h"

namespace bv::logd {

namespace {

using namespace std::chrono_literals;

struct Files {
  std::time_t newest = 0;
  std::vector<std::string> paths;
};
using Logs = std::map<std::string, Files>;  // by the log's own path

void Collect(const std::string& directory, int depth, Logs& logs) {
  for (const std::string& name : ListDirectory(directory)) {
    std::string path = directory + "/" + name;
    struct stat info;
    if (name.starts_with('.') || lstat(path.c_str(), &info) < 0) continue;
    if (S_ISDIR(info.st_mode) && depth > 0) Collect(path, depth - 1, logs);
    std::string log = LogOf(name);
    if (log.empty() || !S_ISREG(info.st_mode)) continue;
    Files& files = logs[directory + "/" + log];
    files.newest = std::max(files.newest, info.st_mtime);
    files.paths.push_back(path);
  }
}

}  // namespace

std::string LogOf(const std::string& file_name) {
  std::string_view name = file_name;
  if (name.ends_with(".zst")) name.remove_suffix(4);
  bool compressed = name.size() < file_name.size();
  auto digits = name.find_last_not_of("0123456789");
  bool numbered = digits != name.npos && digits + 1 < name.size() && name[digits] == '.';
  if (numbered) name = name.substr(0, digits);
  if (compressed && !numbered) return {};
  return name.size() > 4 && name.ends_with(".log") ? std::string(name) : std::string();
}

LogCleaner::LogCleaner(std::string root, unsigned max_age_days, std::function<bool(const std::string&)> is_open)
    : root_(std::move(root)), max_age_(max_age_days * 24), is_open_(std::move(is_open)), next_([this] { Start(); }) {}

void LogCleaner::Start() {
  if (max_age_ == 0h) return;
  Spawn(Clean(), "remove old logs");
  next_.Start(24h);
}

Task<> LogCleaner::Clean() {
  auto collect = [root = root_] {
    Logs found;
    Collect(root, 1, found);
    return found;
  };
  Logs logs = co_await Offload(std::move(collect));
  auto oldest = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - max_age_);
  for (auto& [path, files] : logs) {
    if (files.newest >= oldest || is_open_(path)) continue;
    LogInfo("logging.log_cleaner", "removing {}, which is too old", path);
    auto remove = [paths = std::move(files.paths)] {
      for (auto& file : paths) unlink(file.c_str());
    };
    co_await Offload(std::move(remove));
  }
}

}  // namespace bv::logd
