#include "daemon/bus.h"

#ifdef BV_WITH_SYSTEMD

#include <fmt/core.h>

#include <cstring>

#include "base/error.h"
#include "base/wait.h"
#include "daemon/library.h"

namespace bv {

namespace {

Error BusError(const std::string& what) { return Error(ErrorDomain::kDbus, ErrorCode::kDbusService, what); }

struct PendingCall {
  const SdBus* lib;
  BusMessage reply;
  Event done;
  sd_bus_slot* slot = nullptr;

  // Whoever waited may be gone before the reply comes.
  ~PendingCall() {
    if (slot) lib->slot_unref(slot);
  }
};

BusMessage Own(const SdBus& lib, sd_bus_message* message) {
  return BusMessage(message, [&lib](sd_bus_message* m) { lib.message_unref(m); });
}

int TakeReply(sd_bus_message* message, void* data, sd_bus_error*) {
  auto* call = static_cast<PendingCall*>(data);
  call->reply = Own(*call->lib, call->lib->message_ref(message));
  call->done.Set();
  return 0;
}

}  // namespace

const SdBus* SdBus::Load() {
  static const SdBus* loaded = []() -> const SdBus* {
    static SdBus lib;
    Library library("libsystemd.so.0");
    library.Find("sd_bus_open_system", lib.open_system);
    library.Find("sd_bus_close_unref", lib.close_unref);
    library.Find("sd_bus_get_fd", lib.get_fd);
    library.Find("sd_bus_get_events", lib.get_events);
    library.Find("sd_bus_get_timeout", lib.get_timeout);
    library.Find("sd_bus_process", lib.process);
    library.Find("sd_bus_call_async", lib.call_async);
    library.Find("sd_bus_slot_unref", lib.slot_unref);
    library.Find("sd_bus_message_new_method_call", lib.message_new_method_call);
    library.Find("sd_bus_message_append", lib.message_append);
    library.Find("sd_bus_message_open_container", lib.message_open_container);
    library.Find("sd_bus_message_close_container", lib.message_close_container);
    library.Find("sd_bus_message_read", lib.message_read);
    library.Find("sd_bus_message_enter_container", lib.message_enter_container);
    library.Find("sd_bus_message_exit_container", lib.message_exit_container);
    library.Find("sd_bus_message_get_error", lib.message_get_error);
    library.Find("sd_bus_message_ref", lib.message_ref);
    library.Find("sd_bus_message_unref", lib.message_unref);
    return library.complete() ? &lib : nullptr;
  }();
  return loaded;
}

std::shared_ptr<SystemBus> SystemBus::Get() {
  static std::weak_ptr<SystemBus> current;
  auto shared = current.lock();
  if (shared && !shared->lost_) return shared;
  const SdBus* lib = SdBus::Load();
  if (!lib) throw BusError("libsystemd is not there to reach the system bus");
  sd_bus* bus = nullptr;
  if (int failed = lib->open_system(&bus); failed < 0) {
    throw BusError(fmt::format("Unable to get system bus connection: {}", std::strerror(-failed)));
  }
  shared.reset(new SystemBus(*lib, bus));
  current = shared;
  return shared;
}

SystemBus::SystemBus(const SdBus& lib, sd_bus* bus) : lib_(lib), bus_(bus), timer_([this] { Process(); }) {
  watch_ = std::make_unique<FdWatch>(lib_.get_fd(bus_), 0, [this](std::uint32_t) { Process(); });
}

SystemBus::~SystemBus() {
  watch_.reset();
  lib_.close_unref(bus_);
}

void SystemBus::Process() {
  int more;
  while ((more = lib_.process(bus_, nullptr)) > 0) {
  }
  int events = more < 0 ? more : lib_.get_events(bus_);
  if (events < 0) {
    lost_ = true;
    watch_->SetEvents(0);
    timer_.Stop();
    return;
  }
  // poll's and epoll's bits are the same.
  watch_->SetEvents(static_cast<std::uint32_t>(events));
  std::uint64_t when;  // microseconds of the monotonic clock
  if (lib_.get_timeout(bus_, &when) > 0 && when != UINT64_MAX) {
    timer_.Start(Deadline(std::chrono::microseconds(when)));
  } else {
    timer_.Stop();
  }
}

Task<BusMessage> SystemBus::Call(Method method, AppendArguments append, Clock::duration timeout) {
  // Held by this call: the connection closes when nobody has had a use for it.
  std::shared_ptr<SystemBus> self = Get();
  const SdBus& lib = self->lib_;
  sd_bus_message* raw = nullptr;
  int failed = lib.message_new_method_call(self->bus_, &raw, method.destination, method.path, method.interface,
                                           method.member);
  if (failed < 0) throw BusError(fmt::format("cannot make a call: {}", std::strerror(-failed)));
  BusMessage message = Own(lib, raw);
  failed = append(lib, message.get());
  PendingCall call;
  call.lib = &lib;
  auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  if (failed >= 0) {
    failed = lib.call_async(self->bus_, &call.slot, message.get(), TakeReply, &call,
                            static_cast<std::uint64_t>(microseconds));
  }
  if (failed < 0) throw BusError(fmt::format("cannot call {}: {}", method.member, std::strerror(-failed)));
  self->Process();
  // A moment more than libsystemd waits, as a last resort.
  bool answered = co_await call.done.Wait(In(timeout + std::chrono::seconds(1)));
  if (!answered) {
    throw Error(ErrorDomain::kDbus, ErrorCode::kOperationTimeout, fmt::format("no answer to {}", method.member));
  }
  if (const sd_bus_error* error = lib.message_get_error(call.reply.get())) {
    throw BusError(fmt::format("{}: {}", error->name, error->message ? error->message : method.member));
  }
  co_return call.reply;
}

}  // namespace bv

#endif
