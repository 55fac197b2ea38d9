#include "daemon/audit.h"

#include <fmt/core.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/wait.h"

namespace bv::audit {

namespace {

struct Log {
  Fd kernel;
  bool to_log = false;
  AsyncMutex order;
};
Log& TheLog() {
  static Log log;
  return log;
}

std::string Executable() {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

// The kernel may make us wait for its auditd.
Task<> Send(Kind kind, std::string message) {
  auto turn = co_await TheLog().order.Acquire();
  std::vector<char> packet(NLMSG_SPACE(message.size() + 1));
  nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(message.size() + 1)),
                  .nlmsg_type = static_cast<std::uint16_t>(kind),
                  .nlmsg_flags = NLM_F_REQUEST,
                  .nlmsg_seq = 0,
                  .nlmsg_pid = 0};
  std::memcpy(packet.data(), &header, sizeof header);
  std::memcpy(packet.data() + NLMSG_HDRLEN, message.c_str(), message.size() + 1);
  auto send_it = [fd = TheLog().kernel.get(), packet] { return send(fd, packet.data(), packet.size(), 0) >= 0 ? 0 : errno; };
  int failed = co_await Offload(send_it);
  if (failed) LogWarn("util.audit", "Failed to send audit message {}: {}", message, std::strerror(failed));
}

}  // namespace

void Open(unsigned level, bool logging) {
  TheLog().to_log = logging;
  if (level == 0) return;
  TheLog().kernel.Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));
  if (level > 1 && !TheLog().kernel) throw SystemError(ErrorDomain::kAudit, "Unable to initialize audit layer");
}

void Record(Kind kind, bool success, std::string text) {
  if (TheLog().to_log) {
    if (success) LogInfo("conf.domain_audit", "success=yes {}", text);
    if (!success) LogWarn("conf.domain_audit", "success=no {}", text);
  }
  if (TheLog().kernel) Spawn(Send(kind, Message(text, success, Executable())), "audit");
}

std::string Field(std::string_view name, std::string_view value) {
  auto odd = [](unsigned char c) { return c == '"' || c <= 0x20 || c >= 0x7f; };
  if (std::ranges::none_of(value, odd)) return fmt::format("{}=\"{}\"", name, value);
  std::string field = fmt::format("{}=", name);
  for (unsigned char c : value) field += fmt::format("{:02X}", c);
  return field;
}

std::string Message(const std::string& text, bool success, const std::string& executable) {
  return fmt::format("{} {} hostname=? addr=? terminal=? res={}", text, Field("exe", executable), success ? "success" : "failed");
}

}  // namespace bv::audit
