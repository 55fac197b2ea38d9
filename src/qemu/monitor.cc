#include "qemu/monitor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace bv::qemu {

namespace {

constexpr char kLogSource[] = "qemu.qemu_monitor";
constexpr std::size_t kReadChunk = 64 * 1024;
// Per turn of the loop: QEMU's answers about itself are megabytes that take time to be understood.
constexpr int kReadsPerTurn = 4;

std::string Complaint(std::string_view command, std::string_view description) {
  if (description.empty()) return fmt::format("unable to execute QEMU command '{}'", command);
  return fmt::format("unable to execute QEMU command '{}': {}", command, description);
}

Error ConnectionLost() { return Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "End of file from qemu monitor"); }

}  // namespace

MonitorError::MonitorError(std::string_view command, std::string error_class, std::string description)
    : Error(ErrorDomain::kQemu, ErrorCode::kInternalError, Complaint(command, description)),
      error_class(std::move(error_class)),
      description(std::move(description)) {}

namespace detail {

// Shared by the queue and the coroutine that waits, so that either may go first.
struct PendingCommand {
  std::uint64_t id;
  std::string name;
  Event settled;
  Json answer;  // the whole message; null when the connection ended first

  MonitorReply Reply() const {
    MonitorReply reply;
    if (Json error = answer.Find("error")) {
      reply.error.emplace(name, error.Find("class").AsString().value_or(""), error.Find("desc").AsString().value_or(""));
    } else if (answer.Find("return")) {
      reply.value = answer.Find("return");
    } else {
      reply.error.emplace(name, "", "");
    }
    return reply;
  }
};

Task<> Await(std::shared_ptr<PendingCommand> pending, Deadline deadline) {
  bool settled = co_await pending->settled.Wait(deadline);
  if (!settled) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationTimeout, fmt::format("no answer to QEMU command '{}'", pending->name));
  }
  if (!pending->answer) throw ConnectionLost();
}

}  // namespace detail

Task<MonitorReply> MonitorBatch::Next(Deadline deadline) {
  auto next = pending_.front();
  pending_.pop_front();
  co_await detail::Await(next, deadline);
  co_return next->Reply();
}

Monitor::Monitor(Fd socket, std::function<void(const MonitorEvent&)> on_event, std::function<void()> on_end)
    : socket_(std::move(socket)),
      on_event_(std::move(on_event)),
      on_end_(std::move(on_end)),
      alive_(std::make_shared<bool>(true)) {
  watch_ = std::make_unique<FdWatch>(socket_.get(), EPOLLIN, [this](std::uint32_t events) { OnReady(events); });
}

Monitor::~Monitor() {
  *alive_ = false;
  Close();
}

void Monitor::Close() {
  watch_.reset();
  socket_.Reset();
  on_end_ = nullptr;
  FailAll();
}

std::optional<Monitor::Saved> Monitor::Save() const {
  if (!open() || !pending_.empty() || !output_.empty()) return std::nullopt;
  return Saved{{.socket = socket_.get(), .input = input_}, last_id_};
}

void Monitor::Restore(std::string input, std::uint64_t last_id) {
  input_ = std::move(input);
  last_id_ = last_id;
}

// --- Commands ------------------------------------------------------------------------------------

Task<> Monitor::Negotiate(Deadline deadline) { co_await Execute("qmp_capabilities", {}, deadline); }

Task<Json> Monitor::Execute(std::string command, Json arguments, Deadline deadline) {
  MonitorCommand request{.name = std::move(command), .arguments = std::move(arguments)};
  co_return co_await Execute(std::move(request), deadline);
}

Task<Json> Monitor::Execute(MonitorCommand command, Deadline deadline) {
  auto pending = EnqueueCommand(command);
  Flush();
  co_await detail::Await(pending, deadline);
  co_return pending->Reply().Value();
}

MonitorBatch Monitor::Send(const std::vector<MonitorCommand>& commands) {
  MonitorBatch batch;
  for (const MonitorCommand& command : commands) batch.pending_.push_back(EnqueueCommand(command));
  Flush();
  return batch;
}

Task<std::vector<MonitorReply>> Monitor::ExecuteAll(std::vector<MonitorCommand> commands, Deadline deadline) {
  MonitorBatch batch = Send(commands);
  std::vector<MonitorReply> replies;
  replies.reserve(commands.size());
  while (!batch.done()) replies.push_back(co_await batch.Next(deadline));
  co_return replies;
}

Task<std::string> Monitor::ExecuteHuman(std::string line, Deadline deadline) {
  Json arguments = Json::Object();
  arguments.Set("command-line", line);
  Json printed = co_await Execute("human-monitor-command", std::move(arguments), deadline);
  co_return printed.AsString().value_or("");
}

Task<std::string> Monitor::ExecuteText(std::string text, Deadline deadline) {
  Json message = Json::Parse(text);
  bool is_command = message.is_object() && message.Find("execute");
  if (is_command && message.Find("id"))
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "Unable to append command 'id' string");
  std::string name = is_command ? message.Find("execute").AsString().value_or("") : "";
  auto pending = Enqueue(std::move(message), name, -1);
  Flush();
  co_await detail::Await(pending, deadline);
  Json answer = pending->answer;
  if (is_command) {
    answer.Set("id", fmt::format("libvirt-{}", pending->id));
  } else {
    answer.Remove("id");
  }
  co_return answer.Dump();
}

std::shared_ptr<Monitor::Pending> Monitor::EnqueueCommand(const MonitorCommand& command) {
  Json message = Json::Object();
  message.Set("execute", command.name);
  if (command.arguments) message.Set("arguments", command.arguments);
  return Enqueue(std::move(message), command.name, command.fd);
}

std::shared_ptr<Monitor::Pending> Monitor::Enqueue(Json message, std::string_view name, int fd) {
  if (!open()) throw ConnectionLost();
  auto pending = std::make_shared<Pending>();
  pending->id = ++last_id_;
  pending->name = name;
  // QEMU reads a byte per turn of its loop: short ids and no white space are measurably faster.
  // What is no object, QEMU refuses; in its turn, without an id.
  if (message.is_object()) message.Set("id", pending->id);
  std::string bytes = message.Dump();
  LogDebug(kLogSource, "> {}", bytes);
  pending_.push_back(pending);
  // What carries no descriptor joins what is already waiting to be written.
  if (fd < 0 && !output_.empty()) {
    output_.back().bytes += bytes;
  } else {
    output_.push_back({std::move(bytes), Fd(fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0))});
  }
  return pending;
}

// --- Writing -------------------------------------------------------------------------------------

void Monitor::Flush() {
  while (!output_.empty() && SendFront()) {
  }
  if (watch_) watch_->SetEvents(output_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

// False when the socket takes no more for now. A broken connection shows when reading.
bool Monitor::SendFront() {
  Outgoing& front = output_.front();
  iovec data{front.bytes.data(), front.bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (front.fd) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    int fd = front.fd.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent = sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EINTR) return true;
    if (errno != EAGAIN) output_.clear();
    return false;
  }
  front.fd.Reset();  // it went with the first byte
  front.bytes.erase(0, static_cast<std::size_t>(sent));
  if (front.bytes.empty()) output_.pop_front();
  return true;
}

// --- Reading -------------------------------------------------------------------------------------

void Monitor::OnReady(std::uint32_t events) {
  Loop::Current().set_running_name("qemu monitor");
  if (events & EPOLLOUT) Flush();
  if (!(events & ~EPOLLOUT)) return;
  auto alive = alive_;
  bool more = ReadAvailable();
  TakeLines();
  if (*alive && !more && open()) End();
}

// False at the end of the connection.
bool Monitor::ReadAvailable() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    std::size_t size = input_.size();
    input_.resize(size + kReadChunk);
    ssize_t got = recv(socket_.get(), input_.data() + size, kReadChunk, MSG_DONTWAIT);
    input_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (static_cast<std::size_t>(got) < kReadChunk) return true;
  }
  return true;
}

void Monitor::TakeLines() {
  auto alive = alive_;
  std::size_t begin = 0;
  for (;;) {
    std::size_t end = input_.find('\n', std::max(begin, scanned_));
    if (end == std::string::npos) break;
    std::string_view line(input_.data() + begin, end - begin);
    begin = scanned_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    LogDebug(kLogSource, "< {}", line);
    try {
      TakeMessage(Json::Parse(line));
    } catch (const Error& e) {
      if (!*alive) throw;
      LogError(kLogSource, "{}", e.what());
    }
    if (!*alive || !open()) return;
  }
  input_.erase(0, begin);
  scanned_ = input_.size();
  if (input_.empty()) input_.shrink_to_fit();
}

void Monitor::TakeMessage(Json message) {
  if (message.Find("QMP")) {
    greeting_ = message;
  } else if (Json name = message.Find("event")) {
    if (!on_event_) return;
    MonitorEvent event{.name = name.AsString().value_or(""), .data = message.Find("data")};
    if (Json time = message.Find("timestamp")) {
      event.seconds = time.Find("seconds").AsInt().value_or(0);
      event.microseconds = time.Find("microseconds").AsInt().value_or(0);
    }
    auto on_event = on_event_;  // a copy: it may destroy this
    on_event(event);
  } else {
    Settle(std::move(message));
  }
}

void Monitor::Settle(Json message) {
  if (pending_.empty()) return;
  auto found = pending_.begin();
  if (auto id = message.Find("id").AsUint()) {
    found = std::find_if(pending_.begin(), pending_.end(), [&](const auto& pending) { return pending->id == *id; });
    if (found == pending_.end()) return;
  }
  auto pending = *found;
  pending_.erase(found);
  pending->answer = std::move(message);
  pending->settled.Set();
}

void Monitor::End() {
  auto on_end = std::move(on_end_);
  lost_answers_ = !pending_.empty();
  Close();
  if (on_end) on_end();
}

void Monitor::FailAll() {
  output_.clear();
  auto all = std::exchange(pending_, {});
  for (auto& pending : all) pending->settled.Set();
}

}  // namespace bv::qemu
