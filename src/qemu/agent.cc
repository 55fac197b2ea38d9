#include "qemu/agent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;
constexpr auto kSyncLimit = 5s;
constexpr std::size_t kLongestAnswer = 16u << 20;

Error Unresponsive() {
  return Error(ErrorDomain::kQemu, ErrorCode::kAgentUnresponsive, "QEMU guest agent is not connected");
}
Error NoAnswer() {
  return Error(ErrorDomain::kQemu, ErrorCode::kAgentUnresponsive, "Guest agent not available for now");
}

Deadline AnswerDeadline(int seconds) {
  if (seconds == -2) return kNever;
  if (seconds == -1) return In(kSyncLimit);
  return In(std::chrono::seconds(seconds));
}

}  // namespace

AgentChannel::~AgentChannel() = default;

void AgentChannel::SetOpen(bool open) {
  if (busy_) {
    // Who waits for an answer then sees the end of the connection, and closes it.
    if (socket_) shutdown(socket_.get(), SHUT_RDWR);
    return;
  }
  socket_.Reset();
  if (!open) return;
  try {
    Connect();
  } catch (const Error&) {
    // The next command tries again, and tells.
  }
}

void AgentChannel::Connect() {
  if (socket_) return;
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!fd || path_.size() >= sizeof address.sun_path) throw Unresponsive();
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw Unresponsive();
  socket_ = std::move(fd);
  input_.clear();
}

Task<std::string> AgentChannel::ReadLine(Deadline deadline) {
  for (;;) {
    if (auto end = input_.find('\n'); end != std::string::npos) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      co_return line;
    }
    char buffer[4096];
    auto got = read(socket_.get(), buffer, sizeof buffer);
    if (got > 0) {
      input_.append(buffer, static_cast<std::size_t>(got));
      if (input_.size() > kLongestAnswer) throw NoAnswer();
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      socket_.Reset();
      throw Unresponsive();
    }
    if (!co_await Readable(socket_.get(), deadline)) throw NoAnswer();
  }
}

Task<Json> AgentChannel::Exchange(Json request, Deadline deadline) {
  // 0xff first: the agent drops half a request that someone left behind.
  auto text = request.Dump() + "\n";
  std::size_t sent = 0;
  while (sent < text.size()) {
    auto wrote = send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (wrote > 0) {
      sent += static_cast<std::size_t>(wrote);
      continue;
    }
    if (errno != EAGAIN) {
      socket_.Reset();
      throw Unresponsive();
    }
    if (!co_await Writable(socket_.get(), deadline)) throw NoAnswer();
  }
  auto line = co_await ReadLine(deadline);
  // guest-sync-delimited answers begin with 0xff.
  if (auto mark = line.rfind('\xff'); mark != std::string::npos) line.erase(0, mark + 1);
  co_return Json::Parse(line);
}

Task<> AgentChannel::Synchronise(Deadline deadline) {
  auto id = static_cast<std::int64_t>(++next_sync_);
  auto request = Json::Object();
  request.Set("execute", "guest-sync");
  auto arguments = Json::Object();
  arguments.Set("id", id);
  request.Set("arguments", arguments);
  auto answer = co_await Exchange(request, deadline);
  // Answers to what an earlier caller gave up on come first.
  while (answer["return"].AsInt() != id) answer = Json::Parse(co_await ReadLine(deadline));
}

Task<std::string> AgentChannel::ExecuteText(std::string text, int seconds) {
  auto lock = co_await turn_.Acquire();
  Connect();
  struct Busy {
    bool& flag;
    explicit Busy(bool& flag) : flag(flag) { flag = true; }
    ~Busy() { flag = false; }
  } busy(busy_);
  try {
    co_await Synchronise(seconds == -2 ? In(kSyncLimit) : AnswerDeadline(seconds));
    auto answer = co_await Exchange(Json::Parse(text), AnswerDeadline(seconds));
    if (auto error = answer["error"]) {
      auto what = "unable to execute QEMU agent command '" + Json::Parse(text)["execute"].AsString().value_or("") +
                  "': " + error["desc"].AsString().value_or("unknown QEMU command error");
      auto kind = error["class"].AsString().value_or("");
      if (kind == "CommandNotFound" || kind == "CommandDisabled")
        throw AgentLacksCommand(ErrorDomain::kQemu, ErrorCode::kInternalError, what);
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, what);
    }
    co_return answer.Dump();
  } catch (const Error& error) {
    if (error.code == ErrorCode::kAgentUnresponsive) socket_.Reset();
    throw;
  }
}

Task<Json> AgentChannel::Execute(std::string command, Json arguments, int seconds) {
  auto request = Json::Object();
  request.Set("execute", command);
  if (arguments) request.Set("arguments", arguments);
  auto answer = co_await ExecuteText(request.Dump(), seconds);
  co_return Json::Parse(answer)["return"];
}

}  // namespace bv::qemu
