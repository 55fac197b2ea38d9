#include "daemon/polkit.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/bus.h"

namespace bv {

namespace {

Error Unavailable(const std::string& why) {
  return Error(ErrorDomain::kPolkit, ErrorCode::kAuthUnavailable, why);
}

#ifdef BV_WITH_SYSTEMD

constexpr std::chrono::seconds kTimeout{30};
// With a person who may have to find a password.
constexpr std::chrono::seconds kInteractiveTimeout{300};
constexpr std::uint32_t kAllowUserInteraction = 1;

constexpr SystemBus::Method kCheckAuthorization{"org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                                                "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization"};

int AppendQuestion(const SdBus& lib, sd_bus_message* message, const std::string& action,
                   const rpc::Identity& identity, const PolkitDetails& details, bool interactive) {
  int failed = lib.message_append(message, "(sa{sv})s", "unix-process", 3, "pid", "u",
                                  static_cast<std::uint32_t>(identity.pid.value_or(0)), "start-time", "t",
                                  identity.pid_start_time.value_or(0), "uid", "i",
                                  static_cast<std::int32_t>(identity.uid.value_or(0)), action.c_str());
  if (failed >= 0) failed = lib.message_open_container(message, 'a', "{ss}");
  for (const auto& [key, value] : details) {
    if (failed >= 0) failed = lib.message_append(message, "{ss}", key.c_str(), value.c_str());
  }
  if (failed >= 0) failed = lib.message_close_container(message);
  if (failed >= 0) failed = lib.message_append(message, "us", interactive ? kAllowUserInteraction : 0, "");
  return failed;
}

struct Answer {
  int authorized = 0, challenge = 0;
  bool dismissed = false;
};

Answer ReadAnswer(const SdBus& lib, sd_bus_message* message) {
  Answer answer;
  if (lib.message_enter_container(message, 'r', "bba{ss}") < 0 ||
      lib.message_read(message, "bb", &answer.authorized, &answer.challenge) < 0 ||
      lib.message_enter_container(message, 'a', "{ss}") < 0) {
    throw Unavailable("polkit gave an answer that makes no sense");
  }
  const char *key, *value;
  while (lib.message_read(message, "{ss}", &key, &value) > 0) {
    if (std::string_view(key) == "polkit.dismissed" && std::string_view(value) == "true") answer.dismissed = true;
  }
  return answer;
}

#endif

}  // namespace

#ifdef BV_WITH_SYSTEMD

Task<> CheckPolkit(std::string action, rpc::Identity identity, PolkitDetails details, bool interactive) {
  if (!identity.pid) throw Unavailable("polkit needs to know the process of the client");
  SystemBus::AppendArguments append = [&](const SdBus& lib, sd_bus_message* message) {
    return AppendQuestion(lib, message, action, identity, details, interactive);
  };
  BusMessage reply;
  Clock::duration timeout = interactive ? kInteractiveTimeout : kTimeout;
  try {
    reply = co_await SystemBus::Call(kCheckAuthorization, append, timeout);
  } catch (const Error& e) {
    LogWarn("util.polkit", "cannot ask polkit about {}: {}", action, e.what());
    throw Unavailable(fmt::format("polkit cannot be asked about action '{}'", action));
  }
  Answer answer = ReadAnswer(*SdBus::Load(), reply.get());
  if (answer.authorized) co_return;
  if (answer.dismissed) {
    throw Error(ErrorDomain::kPolkit, ErrorCode::kAuthCancelled, "user cancelled authentication process");
  }
  if (answer.challenge) {
    throw Unavailable(fmt::format("no polkit agent available to authenticate action '{}'", action));
  }
  throw Error(ErrorDomain::kPolkit, ErrorCode::kAuthFailed, "access denied by policy");
}

#else

Task<> CheckPolkit(std::string action, rpc::Identity, PolkitDetails, bool) {
  throw Unavailable(fmt::format("this build has no polkit to ask about action '{}'", action));
  co_return;
}

#endif

}  // namespace bv
