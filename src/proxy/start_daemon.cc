#include "proxy/start_daemon.h"

#include <unistd.h>

#include <cerrno>

#include "base/command.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"

namespace bv {

namespace {

constexpr std::chrono::seconds kStartLimit{15};
constexpr std::chrono::milliseconds kPause{20};
// What the original gives the daemons that it starts: they end when they have been idle so long.
char timeout_option[] = "--timeout=120";

// The daemon is this executable under another name. One that finds another of its kind ends by itself.
Task<Child> StartDaemon(std::string name) {
  Command command{.argv = {"/proc/self/exe"}};
  command.new_session = true;
  command.before_exec = [name = std::move(name)] {
    char* const argv[] = {const_cast<char*>(name.c_str()), timeout_option, nullptr};
    execv("/proc/self/exe", argv);
    return errno;
  };
  return Start(std::move(command));
}

}  // namespace

Task<std::shared_ptr<rpc::Client>> ConnectToDaemon(std::string path, std::string start) {
  std::optional<Child> child;
  Deadline limit = In(kStartLimit);
  while (true) {
    try {
      auto client = co_await rpc::Client::Connect(path);
      co_return client;
    } catch (const Error&) {
      if (start.empty() || Clock::now() > limit) throw;
    }
    if (!child) {
      LogInfo("proxy", "starting {}", start);
      child = co_await StartDaemon(start);
    }
    co_await Sleep(kPause);
  }
}

}  // namespace bv
