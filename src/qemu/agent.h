#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/task.h"
#include "base/wait.h"

namespace bv::qemu {

// The agent does not know a command: it is older than it, or told to refuse it.
class AgentLacksCommand : public Error {
 public:
  using Error::Error;
};

// The guest agent behind its channel's socket: one command at a time, each after a
// synchronisation, since an earlier command may have been left unanswered. Callers hold a share of it
// while a command runs: the guest may end at any time.
class AgentChannel {
 public:
  explicit AgentChannel(std::string path) : path_(std::move(path)) {}
  ~AgentChannel();

  // Whether somebody in the guest has opened the channel. Connects at once: a guest reads the end of
  // its input as long as nobody listens on the host.
  void SetOpen(bool open);

  // The member "return" of the answer. Throws kAgentUnresponsive when nobody answers in time,
  // kInternalError with the agent's own words when it refuses.
  // `seconds`: virDomainAgentSetResponseTimeout's values: -2 for ever, -1 the default, 0 not at all.
  Task<Json> Execute(std::string command, Json arguments, int seconds);
  // The same with the whole request and answer as text, as qemu-agent-command has them.
  Task<std::string> ExecuteText(std::string text, int seconds);

 private:
  void Connect();
  Task<> Synchronise(Deadline deadline);
  Task<Json> Exchange(Json request, Deadline deadline);
  Task<std::string> ReadLine(Deadline deadline);

  std::string path_;
  Fd socket_;
  std::string input_;
  AsyncMutex turn_;
  std::uint64_t next_sync_ = 0;
  bool busy_ = false;  // a command uses the socket
};

}  // namespace bv::qemu
