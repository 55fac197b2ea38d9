#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/task.h"
#include "rpc/identity.h"
#include "rpc/procedure.h"
#include "rpc/stream.h"

// What a driver sees of the RPC layer. All of it belongs to the loop.

namespace bv::rpc {

class ClientSession;
class Forwarder;

// One request being served. Handlers get it by reference; it lives until their Task has ended.
class Call {
 public:
  virtual ~Call() = default;
  virtual ClientSession& client() = 0;
  const Procedure& procedure() const { return *procedure_; }
  // The decoded arguments, until the handler takes them; for checks that run before it.
  const void* args() const { return args_; }

  // Opens the stream that the procedure's declaration names. The data may flow before the handler
  // returns; when the handler throws, there is no stream.
  virtual StreamPtr OpenStream() = 0;

  // Runs `fn` when the reply has been queued; not at all when the client is gone by then.
  void AfterReply(std::function<void()> fn) { after_reply_ = std::move(fn); }

  // For checks that run before the handler: `fn` runs over the value that it returned, and may change
  // it or throw, before that is sent.
  void OnResult(std::function<Task<>(void* ret)> fn) { on_result_ = std::move(fn); }

  std::vector<Fd> fds;        // received with the call
  std::vector<Fd> reply_fds;  // to send with the reply

 protected:
  const Procedure* procedure_ = nullptr;
  void* args_ = nullptr;
  std::function<void()> after_reply_;
  std::function<Task<>(void* ret)> on_result_;
};

// One connection of a client. Kept alive by the calls it has running, so that `call.client()` is
// always valid; connected() tells whether somebody is still there.
class ClientSession : public std::enable_shared_from_this<ClientSession> {
 public:
  virtual ~ClientSession();

  bool connected() const { return connected_; }
  // Refuses what changes anything, by the permissions a procedure declares.
  bool readonly() const { return readonly_; }
  void set_readonly(bool readonly) { readonly_ = readonly; }
  // Until this is set only procedures marked preauth may be called.
  bool authenticated() const { return authenticated_; }
  void set_authenticated(bool authenticated) { authenticated_ = authenticated; }
  const Identity& identity() const { return identity_; }
  void set_identity(Identity identity) { identity_ = std::move(identity); }

  // Which drivers serve this connection, the first that has a handler wins; empty: any. Set when a
  // connection is opened for a URI. See Service::set_owner.
  void RouteTo(std::vector<const void*> owners) { owners_ = std::move(owners); }
  const std::vector<const void*>& owners() const { return owners_; }

  // Queues an event. A client that does not read its events is disconnected when too many wait.
  template <typename EventProc>
  void SendEvent(const typename EventProc::Msg& message) {
    SendEventMessage(EventProc::program(), EventProc::info.number, &message);
  }
  template <typename EventProc>
  void SendEvent() {
    SendEventMessage(EventProc::program(), EventProc::info.number, nullptr);
  }

  // Per-connection state of a driver: default-made on first use; destroyed when the client has
  // gone and its last call has ended.
  template <typename T>
  T& State() {
    static const char tag = 0;
    std::shared_ptr<void>& slot = StateSlot(&tag);
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }

  // Calls back once when the client goes, at once and from the loop.
  size_t OnClose(std::function<void()> callback);
  void RemoveOnClose(size_t id);

  // Stops reading, sends what is queued, then disconnects.
  virtual void CloseAfterFlush() = 0;
  virtual void Close() = 0;

  // True when others cannot read what is exchanged (a Unix socket counts).
  virtual bool secure() const = 0;
  // Asked for by the client with CONNECT_SUPPORTS_FEATURE.
  virtual void StartKeepAlive() = 0;

 protected:
  virtual void SendEventMessage(const Program& program, int32_t number, const void* message) = 0;
  std::shared_ptr<void>& StateSlot(const void* tag);
  void RunOnClose();
  void DropStates() { states_.clear(); }

  bool connected_ = true;
  bool readonly_ = false;
  bool authenticated_ = false;
  Identity identity_;
  std::vector<const void*> owners_;

 private:
  std::vector<std::pair<const void*, std::shared_ptr<void>>> states_;
  std::vector<std::pair<size_t, std::function<void()>>> on_close_;
  size_t next_on_close_ = 1;
};

namespace detail {

// A started handler whose type is forgotten: the coroutine, and how to get at its result.
struct Started {
  std::coroutine_handle<> handle;
  bv::detail::PromiseBase* promise;
  const void* (*result)(bv::detail::PromiseBase* promise);  // null for void
};

struct Handler {
  const void* owner = nullptr;
  void* driver = nullptr;
  alignas(void*) unsigned char method[2 * sizeof(void*)];
  Started (*start)(const Handler& handler, Call& call, void* args) = nullptr;
};

template <typename T>
Started Start(Task<T> task) {
  auto handle = task.Release();
  using TaskPromise = typename Task<T>::promise_type;
  Started started{handle, &handle.promise(), nullptr};
  if constexpr (!std::is_void_v<T>) {
    started.result = [](bv::detail::PromiseBase* promise) -> const void* {
      return &*static_cast<TaskPromise*>(promise)->value;
    };
  }
  return started;
}

}  // namespace detail

// What one server of a daemon answers: programs and the handlers of their procedures. A procedure
// without a handler answers VIR_ERR_NO_SUPPORT by itself; decoding, the gate before
// authentication, read-only and access checks come from its declaration before a handler runs.
class Service {
 public:
  Service();
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Serves the program even when no procedure has a handler.
  void AddProgram(const Program& program);

  // `handler` is `Task<Proc::Ret> D::*(Call&, Proc::Args)`, without the last for procedures that
  // have no arguments. Several owners may serve the same procedure; see ClientSession::RouteTo.
  template <typename Proc, typename D>
  void On(D* driver, auto handler) {
    using Args = typename Proc::Args;
    using Method = decltype(handler);
    static_assert(sizeof(Method) <= sizeof(detail::Handler::method));
    detail::Handler entry;
    entry.owner = owner_;
    entry.driver = driver;
    std::memcpy(entry.method, &handler, sizeof handler);
    entry.start = [](const detail::Handler& self, Call& call, [[maybe_unused]] void* args) {
      Method method;
      std::memcpy(&method, self.method, sizeof method);
      D* target = static_cast<D*>(self.driver);
      if constexpr (std::is_void_v<Args>) {
        return detail::Start<typename Proc::Ret>((target->*method)(call));
      } else {
        return detail::Start<typename Proc::Ret>((target->*method)(call, std::move(*static_cast<Args*>(args))));
      }
    };
    Add(Proc::program(), Proc::info.number, entry);
  }

  // Handlers registered from now on belong to `owner` (a driver).
  void set_owner(const void* owner) { owner_ = owner; }

  // Runs before every handler of a procedure that is not preauth, and throws to refuse; `check`
  // runs after it and may wait (access control). Both null by default.
  using Gate = std::function<void(Call&)>;
  using Check = std::function<Task<>(Call&)>;
  void set_gate(Gate gate) { gate_ = std::move(gate); }
  void set_check(Check check) { check_ = std::move(check); }
  const Gate& gate() const { return gate_; }
  const Check& check() const { return check_; }
  // Whether a client may be sent an event: null when it may without a question. Reads `message` before
  // it returns. Null by default.
  using EventCheck = std::function<std::function<Task<bool>()>(ClientSession&, const Procedure&, const void* message)>;
  void set_event_check(EventCheck check) { event_check_ = std::move(check); }
  const EventCheck& event_check() const { return event_check_; }

  // Has the handler of another procedure, as the client of `call` would reach it, work for `call`;
  // `take` gets what it returns. Throws what it throws, and kNoSupport when there is none.
  Task<> Invoke(Call& call, const Program& program, int32_t number, void* args, std::function<void(void* ret)> take) const;

  // Null by default; outlives the service's sessions.
  void set_forwarder(Forwarder* forwarder) { forwarder_ = forwarder; }
  Forwarder* forwarder() const { return forwarder_; }

  struct ServedProgram {
    const Program* program;
    std::vector<std::vector<detail::Handler>> handlers;  // by number - 1
  };
  const ServedProgram* Find(uint32_t id, uint32_t version) const;
  // Null when none of the client's drivers serves it.
  const detail::Handler* FindHandler(const ServedProgram& program, int32_t number,
                                     const ClientSession& client) const;

 private:
  void Add(const Program& program, int32_t number, const detail::Handler& handler);
  ServedProgram& Served(const Program& program);

  std::vector<std::unique_ptr<ServedProgram>> programs_;
  const void* owner_ = nullptr;
  Gate gate_;
  Check check_;
  Forwarder* forwarder_ = nullptr;
  EventCheck event_check_;
};

}  // namespace bv::rpc

namespace bv {
using rpc::Call;
using rpc::ClientSession;
using rpc::Service;
}  // namespace bv
