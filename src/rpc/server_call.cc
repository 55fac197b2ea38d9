#include "rpc/server_call.h"

#include "base/log.h"
#include "base/loop.h"
#include "rpc/api.h"
#include "rpc/server_stream.h"
#include "rpc/xdr_codec.h"

namespace bv::rpc {

namespace {

// Awaits a handler whose type is forgotten.
class StartedAwaiter {
 public:
  explicit StartedAwaiter(detail::Started started) : started_(started) {}
  StartedAwaiter(const StartedAwaiter&) = delete;
  ~StartedAwaiter() { started_.handle.destroy(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    started_.promise->continuation = awaiter;
    return started_.handle;
  }
  // What the handler returned; valid while this lives.
  const void* await_resume() {
    if (started_.promise->exception) std::rethrow_exception(started_.promise->exception);
    return started_.result ? started_.result(started_.promise) : nullptr;
  }

 private:
  detail::Started started_;
};

// A coroutine that owns itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace

// The one coroutine frame that every call costs besides its handler's.
struct RunningCall {
  static Detached Run(std::unique_ptr<SessionCall> call, Workers::Slot slot) {
    std::shared_ptr<Session> session = call->session_;
    Loop::Current().set_running_name(call->procedure_->info->name);
    try {
      Service& service = session->service();
      const Program& program = *call->program_.program;
      const Procedure& procedure = *call->procedure_;
      if (!procedure.info->preauth && service.gate()) service.gate()(*call);
      if (session->readonly()) CheckReadOnly(program, procedure, call->args_);
      const detail::Handler* handler = service.FindHandler(call->program_, procedure.info->number, *session);
      if (!handler) throw NoSupport(program, procedure);
      if (service.check()) co_await service.check()(*call);
      StartedAwaiter started(handler->start(*handler, *call, call->args_));
      const void* ret = co_await started;
      if (call->on_result_) co_await call->on_result_(const_cast<void*>(ret));
      session->SendReply(*call, ret);
      call->RunAfterReply();
    } catch (const Error& error) {
      call->Answer(error);
    } catch (const std::exception& error) {
      call->Answer(Error(ErrorDomain::kRpc, ErrorCode::kInternalError, error.what()));
    }
    call.reset();
    session->CallEnded(slot);
  }
};

Task<> Service::Invoke(Call& call, const Program& program, int32_t number, void* args,
                       std::function<void(void* ret)> take) const {
  const ServedProgram* served = Find(program.id, program.version);
  const detail::Handler* handler = served ? FindHandler(*served, number, call.client()) : nullptr;
  if (!handler) throw NoSupport(program, *program.Find(number));
  StartedAwaiter started(handler->start(*handler, call, args));
  const void* ret = co_await started;
  take(const_cast<void*>(ret));
}

SessionCall::SessionCall(std::shared_ptr<Session> session, const Service::ServedProgram& program,
                         const Procedure& procedure, const Header& header)
    : session_(std::move(session)), program_(program), header_(header) {
  procedure_ = &procedure;
}

SessionCall::~SessionCall() { FreeArgs(); }

void SessionCall::FreeArgs() {
  if (args_) procedure_->args->ops.destroy(std::exchange(args_, nullptr));
}

bool SessionCall::Decode(std::span<const uint8_t> payload) {
  if (!procedure_->args) return true;
  args_ = procedure_->args->ops.make();
  return xdr::Decode(*procedure_->args, payload, args_);
}

StreamPtr SessionCall::OpenStream() {
  const ProcedureInfo& info = *procedure_->info;
  bool sparse = info.sparse_flag && Applies({Permission::kNone, AclRow::When::kAllSet, info.sparse_flag}, *procedure_, args_);
  stream_ = std::make_shared<SessionStream>(session_, header_, sparse);
  session_->AddStream(stream_.get());
  return stream_;
}

void SessionCall::Start(std::unique_ptr<SessionCall> call) {
  Workers& workers = call->session_->workers();
  bool priority = call->procedure_->info->priority;
  // Only a call that has to wait needs a function object to be kept.
  Workers::Slot slot = workers.TryAcquire(priority);
  if (slot != Workers::Slot::kNone) {
    RunningCall::Run(std::move(call), slot);
    return;
  }
  auto waiting = std::make_shared<std::unique_ptr<SessionCall>>(std::move(call));
  workers.Queue(priority, [waiting](Workers::Slot slot) { RunningCall::Run(std::move(*waiting), slot); });
}

void SessionCall::RunAfterReply() {
  if (auto stream = std::exchange(stream_, nullptr)) stream->OnAnswered();
  if (after_reply_ && session_->connected()) std::exchange(after_reply_, nullptr)();
}

void SessionCall::Answer(const Error& error) {
  if (stream_) std::exchange(stream_, nullptr)->Discard();
  session_->SendError(header_, MessageType::kReply, error);
}

}  // namespace bv::rpc
