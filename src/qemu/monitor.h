#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/task.h"
#include "base/wait.h"
#include "rpc/saved.h"

namespace bv::qemu {

// What QEMU answered to a command with: "error". Clients see kInternalError of domain kQemu, as
// from libvirt; error_class ("GenericError", "DeviceNotFound", ...) is for callers who tell them apart.
class MonitorError : public Error {
 public:
  MonitorError(std::string_view command, std::string error_class, std::string description);

  std::string error_class;
  std::string description;
};

// One command of a batch. A copy of `fd` travels with it (getfd, add-fd).
struct MonitorCommand {
  std::string name;
  Json arguments;
  int fd = -1;
};

// The answer to one command of a batch.
struct MonitorReply {
  Json value;  // the member "return"
  std::optional<MonitorError> error;

  // The value; throws the error if there is one.
  Json& Value() {
    if (error) throw *error;
    return value;
  }
};

struct MonitorEvent {
  std::string name;
  Json data;
  std::int64_t seconds = 0;  // QEMU's wall clock
  std::int64_t microseconds = 0;
};

namespace detail {
struct PendingCommand;  // sent, not yet used
}

// The answers to commands that were sent together, one after another, so that each can be used and
// dropped while QEMU works on the next.
class MonitorBatch {
 public:
  bool done() const { return pending_.empty(); }
  // The answer to the next command in the order sent.
  Task<MonitorReply> Next(Deadline deadline = kNever);

 private:
  friend class Monitor;
  std::deque<std::shared_ptr<detail::PendingCommand>> pending_;
};

// A QMP client on a connected socket. Commands are pipelined: each goes out at once, and answers
// find their command by id (those without one belong to the oldest). For the loop thread only.
//
// Every wait ends by the answer, by its deadline (kOperationTimeout; a late answer is dropped) or by
// the end of the connection (kInternalError). A Task that waits may be destroyed at any time; the
// Monitor must outlive those that are not, which Close() ends.
class Monitor {
 public:
  // `on_event` gets events in their order, before answers that were sent after them are seen by who
  // waits. `on_end` is called once, after the last event, when QEMU hung up; Close() does not call
  // it. Both may destroy the Monitor.
  Monitor(Fd socket, std::function<void(const MonitorEvent&)> on_event, std::function<void()> on_end);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // Leaves the negotiation mode. Commands may be sent without waiting for it, since QEMU reads in order.
  Task<> Negotiate(Deadline deadline = kNever);
  // QEMU's first line, known after Negotiate().
  const Json& greeting() const { return greeting_; }

  // The member "return" of the answer; throws MonitorError.
  Task<Json> Execute(std::string command, Json arguments = {}, Deadline deadline = kNever);
  // The same for one that may carry a descriptor.
  Task<Json> Execute(MonitorCommand command, Deadline deadline = kNever);
  // Sends all in one write.
  MonitorBatch Send(const std::vector<MonitorCommand>& commands);
  // The same, and waits for all; answers in the commands' order.
  Task<std::vector<MonitorReply>> ExecuteAll(std::vector<MonitorCommand> commands, Deadline deadline = kNever);
  // A line of the human monitor, and what it prints.
  Task<std::string> ExecuteHuman(std::string line, Deadline deadline = kNever);
  // A client's own QMP text; its answer, error or not, as text. Throws on text that is not JSON.
  Task<std::string> ExecuteText(std::string text, Deadline deadline = kNever);

  // For another process image: the connection with what was read of it and not used. Nullopt while a
  // command is unanswered, or it is not open.
  struct Saved {
    rpc::SavedConnection connection;
    std::uint64_t last_id = 0;
  };
  std::optional<Saved> Save() const;
  // Right after construction with such a connection's socket; events in what was read come from the loop.
  void Restore(std::string input, std::uint64_t last_id);

  // Commands were waiting for their answers when QEMU hung up.
  bool lost_answers() const { return lost_answers_; }
  bool open() const { return watch_ != nullptr; }
  // Ends the connection without on_end; those who wait get an error.
  void Close();

 private:
  using Pending = detail::PendingCommand;
  struct Outgoing {
    std::string bytes;
    Fd fd;
  };

  std::shared_ptr<Pending> Enqueue(Json message, std::string_view name, int fd);
  std::shared_ptr<Pending> EnqueueCommand(const MonitorCommand& command);

  void Flush();
  bool SendFront();
  void OnReady(std::uint32_t events);
  bool ReadAvailable();
  void TakeLines();
  void TakeMessage(Json message);
  void Settle(Json message);
  void End();
  void FailAll();

  Fd socket_;
  std::unique_ptr<FdWatch> watch_;
  std::function<void(const MonitorEvent&)> on_event_;
  std::function<void()> on_end_;
  bool lost_answers_ = false;
  std::shared_ptr<bool> alive_;

  Json greeting_;
  std::string input_;
  std::size_t scanned_ = 0;  // of input_: no line end before this
  std::deque<Outgoing> output_;
  std::deque<std::shared_ptr<Pending>> pending_;  // in the order sent
  std::uint64_t last_id_ = 0;
};

}  // namespace bv::qemu
