#pragma once

#include <memory>

#include "rpc/server_session.h"

namespace bv::rpc {

// A call from its frame to its reply. Owned by itself once Start() was called.
class SessionCall final : public Call {
 public:
  SessionCall(std::shared_ptr<Session> session, const Service::ServedProgram& program, const Procedure& procedure,
              const Header& header);
  ~SessionCall() override;

  ClientSession& client() override { return *session_; }
  StreamPtr OpenStream() override;

  // Takes the arguments from the frame's payload; false when they are malformed.
  bool Decode(std::span<const uint8_t> payload);

  // Runs the handler, at once when a slot is free.
  static void Start(std::unique_ptr<SessionCall> call);

  const Header& header() const { return header_; }
  const Service::ServedProgram& served() const { return program_; }
  void RunAfterReply();

 private:
  void Answer(const Error& error);
  void FreeArgs();

  std::shared_ptr<Session> session_;
  const Service::ServedProgram& program_;
  const Header header_;
  std::shared_ptr<SessionStream> stream_;

  friend struct RunningCall;
};

}  // namespace bv::rpc
