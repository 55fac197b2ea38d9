#include "daemon/companion.h"

#include <sys/stat.h>

#include <map>
#include <optional>

#include "base/command.h"
#include "base/log.h"

namespace bv {

namespace {

using namespace std::chrono_literals;

constexpr char kLog[] = "rpc.netclient";
constexpr char kIdleSeconds[] = "120";
// Until a started daemon serves, on a busy machine.
constexpr auto kStartLimit = 10s;
constexpr auto kPause = 20ms;

// What sd_booted(3) looks at.
bool HostHasSystemd() {
  struct stat info;
  return lstat("/run/systemd/system", &info) == 0 && S_ISDIR(info.st_mode);
}

// Runs this executable under the companion's name. It goes into the background when it serves, and
// fails when another one was quicker.
Task<> StartCompanion(std::string name) {
  Command command;
  command.program = "/proc/self/exe";
  command.argv = {name, "--daemon", "--timeout", kIdleSeconds};
  command.new_session = true;
  LogInfo(kLog, "starting {}", name);
  Child child = co_await Start(std::move(command));
  auto status = co_await child.Wait(In(kStartLimit));
  if (status != 0) LogInfo(kLog, "{} did not start", name);
}

// Many guests may start at once, and need one virtlogd.
AsyncMutex& StartTurn(const std::string& name) {
  static std::map<std::string, AsyncMutex> turns;
  return turns[name];
}

using ClientPtr = std::shared_ptr<rpc::Client>;

// Null, with the reason, when nobody listens.
Task<ClientPtr> Try(const Companion& companion, std::optional<Error>& failure) {
  try {
    co_return co_await rpc::Client::Connect(companion.socket);
  } catch (const Error& error) {
    if (error.int1 != ENOENT && error.int1 != ECONNREFUSED) throw;
    failure = error;
  }
  co_return nullptr;
}

}  // namespace

Task<ClientPtr> Connect(Companion companion) {
  std::optional<Error> failure;
  if (auto client = co_await Try(companion, failure)) co_return client;
  if (companion.privileged && HostHasSystemd()) throw *failure;
  auto turn = co_await StartTurn(companion.name).Acquire();
  if (auto client = co_await Try(companion, failure)) co_return client;
  co_await StartCompanion(companion.name);
  // One that another daemon started at the same time may take a moment longer.
  for (auto deadline = In(1s); Clock::now() < deadline; co_await Sleep(kPause)) {
    if (auto client = co_await Try(companion, failure)) co_return client;
  }
  throw *failure;
}

}  // namespace bv
